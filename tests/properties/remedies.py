"""Remedies of messages, read by a machine and written into the stack file."""

import re
from collections.abc import Callable
from enum import Enum
from typing import Any

from components.spec.explain import shown

Edit = Callable[[re.Match[str], Any], Any]
"""New value from the words of the remedy and the value that is there."""


class Change(Enum):
    """Change of a key in place of its value."""

    REMOVE = "remove"
    RENAME = "rename"


def _number(text: str, step: float = 0) -> float:
    found = float(text.replace(",", "")) + step
    return int(found) if found.is_integer() else found


def _limit(words: re.Match[str], _: Any) -> Any:
    return _number(words[1])


def _text(words: re.Match[str], value: Any) -> Any:
    is_number = isinstance(value, int | float) and re.fullmatch(r"[\d.]+", words[1])
    return _number(words[1]) if is_number else words[1]


RULES: tuple[tuple[str, Change | Edit], ...] = (
    (r"is not an absolute path, or one that begins with ~", lambda _, __: "/data/x"),
    (r"; write ([\d.]+/\d+)$", _text),
    (r"unknown key; did you mean '([^']*)'", Change.RENAME),
    (r"is not a pool of this stack; did you mean '([^']*)'", Change.RENAME),
    (r"'nobody' is not one of '([^']*)'", Change.RENAME),
    (r"unknown key; known are ", Change.REMOVE),
    (r"did you mean '([^']*)'", _text),
    (r"is not one of '?([^',]+)", _text),
    (r"the next longer one is (\d+)", _limit),
    (r"cut it to (\d+)", lambda words, value: value[: int(words[1])]),
    (r"\b(?:remove it|remove this|omit it|leave it out)\b", Change.REMOVE),
    (r"write it in quotes", lambda _, value: str(value)),
    (r"write it without quotes", lambda _, value: _number(value)),
    (r"write (true|false)\b", lambda words, _: words[1] == "true"),
    (r"is not text; write '([^']*)'", _text),
    (r"(?:available:|it knows) ([^, ]+)", _text),
    (r"has at most (\d+):", _limit),
    (r"such as \"?([^ \"]+)", lambda words, _: words[1]),
    (r"\b(?:take|write) ([\d.]+)", _limit),
    (r"; at (?:most|least) (\d+)$", _limit),
    (r"([\d.]+) or (?:more|less) is right", _limit),
    (r"more than ([\d.]+) is right", lambda words, _: _number(words[1], 1e-3) if words[1] != "1" else 1.5),
    (r"less than ([\d.]+) is right", lambda words, _: _number(words[1], -1 if _number(words[1]) > 1 else -0.1)),
    (r"; ([\d.]+) is right", _limit),
    (r"is (?:less|more) than [\w.]+ \((\d+)\)", _limit),
    (r"(?:less than|at least) the plan's \$([\d.,]+) an hour.*raise it", _limit),
    (r"at least (\d+) characters$", lambda words, _: "a" * int(words[1])),
    (r"is not a name: lower-case letters", lambda _, __: "a"),
    (r"is not an? (?:key|value) of Kubernetes: letters", lambda _, __: "a"),
    (r"; write \w+: \"(\w+)\"", _text),
    (r"is too large a number", lambda _, __: 1000),
    (r"is not a whole number(?:$|; give the key a value)", lambda _, __: 8),
    (r"is not a number$", lambda _, __: 0.5),
)
"""The first that a message holds."""


def remedied(config: dict[str, Any], told: str) -> bool:
    """Writes the remedy of one message into the config; False if it has none that a machine can read."""
    path, _, message = told.partition(": ")
    place = _place(config, path.removeprefix("config."))
    if place is None:
        return False
    holder, key = place
    fitting = ((words, change) for pattern, change in RULES if (words := re.search(pattern, message)))
    words, change = next(fitting, (None, Change.REMOVE))
    if words is None:
        return False
    if change is Change.REMOVE:
        del holder[key]
    elif change is Change.RENAME:
        value = holder.pop(key)
        holder.setdefault(words[1], value)
    else:
        assert not isinstance(change, Change)
        holder[key] = change(words, holder[key])
    return True


def _place(holder: Any, path: str) -> tuple[Any, Any] | None:
    """The mapping or list that holds what a path leads to, and its key there."""
    if isinstance(holder, dict):
        steps = [(name, key) for key in holder for name in (key, f"penstock:{key}", shown(key))]
    elif isinstance(holder, list):
        steps = [(str(one.get("name", at)) if isinstance(one, dict) else str(at), at) for at, one in enumerate(holder)]
        steps += [(str(at), at) for at in range(len(holder))]
    else:
        return None
    for name, key in sorted(steps, key=lambda step: -len(step[0])):
        if path == name:
            return holder, key
        if path.startswith(f"{name}."):
            return _place(holder[key], path[len(name) + 1 :])
    return None
