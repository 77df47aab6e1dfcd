"""Labels and taints near the limits of what is taken."""

from typing import Any

from hypothesis import strategies as st

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")

_LETTERS = "abZ09-_./ é"
_SIZES = st.sampled_from([0, 1, 1, 2, 2, 10, 51, 52, 62, 63, 64])


@st.composite
def _words(draw: st.DrawFn) -> str:
    """Text that is often right: one letter repeated, with another somewhere."""
    size = draw(_SIZES)
    text: str = draw(st.sampled_from("abZ9")) * size
    at = draw(st.integers(0, max(size - 1, 0)))
    return str(text[:at] + draw(st.sampled_from(["", "", "", *_LETTERS])) + text[at + 1 :])


_DOMAINS = st.sampled_from(
    [
        "",
        "",
        "example.com",
        "example.com",
        "nvidia.com",
        "node.kubernetes.io",
        "x.k8s.io",
        "eks.amazonaws.com",
        "a..b",
        "A.b",
        "-a.b",
    ]
) | st.builds(lambda size: ("a" * 60 + ".") * 4 + "a" * size, st.integers(0, 12))
KEYS = st.builds(lambda domain, name: f"{domain}/{name}" if domain else name, _DOMAINS, _words())
LABELS = st.dictionaries(KEYS, _words(), max_size=3)
TAINTS = st.lists(
    st.fixed_dictionaries(
        {"key": KEYS | st.sampled_from(["team", "nvidia.com/gpu"])},
        optional={"value": _words(), "effect": st.sampled_from(EFFECTS)},
    ),
    max_size=3,
)


def cluster(labels: dict[str, str], taints: list[dict[str, str]]) -> dict[str, Any]:
    """A stack file's cluster with one pool on AWS."""
    pool = {"name": "gpu", "machineType": "g6.xlarge", "labels": labels, "taints": taints}
    return {"penstock:cluster": {"cloud": "aws", "region": "us-east-2", "nodePools": [pool]}}
