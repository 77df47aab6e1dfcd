"""Labels, annotations and taints: the form that Kubernetes gives their keys and values.

Sources: Kubernetes documentation, "Labels and Selectors" and "Annotations"; apimachinery/pkg/util/validation
(IsQualifiedName, IsValidLabelValue), apimachinery/pkg/api/validation (TotalAnnotationSizeLimitB) and
pkg/apis/core/validation (validateNodeTaints: a taint is unique by key and effect).
"""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from components.spec.base import form

ANNOTATIONS_LIMIT = 256 * 1024
"""Bytes of all annotations of an object together."""
LONGEST_DOMAIN, LONGEST_NAME = 253, 63
"""Of a key, before and after its slash."""

_DOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/"
_NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"


def _short_enough(key: str) -> str:
    domain, slash, _ = key.rpartition("/")
    if slash and len(domain) > LONGEST_DOMAIN:
        raise ValueError(f"the domain before the slash has {len(domain)} characters; {LONGEST_DOMAIN} at most")
    return key


MarkKey = Annotated[
    str,
    StringConstraints(
        pattern=form(
            f"^({_DOMAIN})?{_NAME}$",
            "a key of Kubernetes: letters, digits, dashes, dots and underscores, 63 at most, a letter or digit at both"
            " ends, and before a slash a domain in small letters where it has one",
        )
    ),
    AfterValidator(_short_enough),
]
"""Key of a label, an annotation or a taint."""

LabelValue = Annotated[
    str,
    StringConstraints(
        pattern=form(
            f"^({_NAME})?$",
            "a value of Kubernetes: letters, digits, dashes, dots and underscores, 63 at most, a letter or digit at"
            " both ends",
        )
    ),
]
"""Value of a label or a taint."""

DeviceName = Annotated[
    str, StringConstraints(pattern=form(f"^{_DOMAIN}{_NAME}$", "a device resource such as nvidia.com/gpu"))
]
"""Name of a resource that a device plugin offers."""
