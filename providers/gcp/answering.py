"""The wait until APIs that have been switched on answer."""

import time
from collections.abc import Callable, Mapping, Sequence

from components.errors import PenstockError
from providers.gcp.session import Google, GoogleError

_STEP_S = 5.0
_IN_A_ROW = 3
"""Answers of an API differ by the machine that gives them, for a minute or two."""
_QUESTIONS: Mapping[str, tuple[str, str]] = {
    "compute.googleapis.com": ("compute", "projects/{project}/regions"),
    "container.googleapis.com": ("container", "projects/{project}/locations/-/clusters"),
    "artifactregistry.googleapis.com": ("artifact_registry", "projects/{project}/locations"),
    "file.googleapis.com": ("filestore", "projects/{project}/locations"),
    "lustre.googleapis.com": ("lustre", "projects/{project}/locations"),
    "hypercomputecluster.googleapis.com": ("hypercomputecluster", "projects/{project}/locations"),
    "aiplatform.googleapis.com": ("vertex_ai", "projects/{project}/locations"),
}
"""Lists that cost nothing, of the APIs that have one for everybody who may build."""
_OFF = ("SERVICE_DISABLED", "accessNotConfigured")


def await_answers(
    google: Google, project: str, services: Sequence[str], say: Callable[[str], None], patience_s: float
) -> None:
    """Returns when each API has answered several times in a row; PenstockError with Google's words about one that does
    not within the patience."""
    until = time.monotonic() + patience_s
    for service in services:
        if service not in _QUESTIONS:
            continue
        good = 0
        while good < _IN_A_ROW:
            why = _refused(google, project, service)
            good = 0 if why else good + 1
            if not why:
                continue
            if time.monotonic() >= until:
                raise PenstockError(f"{service} does not answer after {patience_s:.0f} s: {why}")
            say(f"waits for {service}, which was switched on")
            time.sleep(_STEP_S)


def _refused(google: Google, project: str, service: str) -> str:
    """Words by which the API says that it is off; empty for every other answer, as that is for `up` to judge."""
    api, path = _QUESTIONS[service]
    try:
        google.get(api, path.format(project=project))
    except GoogleError as error:
        if error.reason in _OFF or "has not been used in project" in str(error):
            return str(error)
    return ""
