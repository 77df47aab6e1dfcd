"""Kubernetes' way to write an amount (`96`, `500m`, `2Ti`) as a number."""

import re

_FORM = re.compile(r"([0-9.]+)(?:([eE][-+]?\d+)|([KMGTPE]i|[mkMGTPE]))?")
_POWERS = {"m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18} | {
    f"{letter}i": float(2 ** (10 * power)) for power, letter in enumerate("KMGTPE", start=1)
}


def quantity(text: str | float) -> float:
    """The amount in its own unit: cores, bytes, devices (Kubernetes, apimachinery resource.Quantity)."""
    found = _FORM.fullmatch(str(text))
    if found is None:
        raise ValueError(f"{text!r} is not a Kubernetes quantity")
    number, exponent, suffix = found.groups()
    return float(number + (exponent or "")) * _POWERS.get(suffix, 1.0)
