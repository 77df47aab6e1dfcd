"""Groups of endpoints that GKE makes: the wait for one, the balancers that use it."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from components.errors import PenstockError
from providers.gcp.session import Google, GoogleError

_STEP_S = 5.0


def await_group(google: Google, inputs: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """Returns when the group is there; PenstockError when the patience ends."""
    until = time.monotonic() + float(inputs["patienceS"])
    while True:
        try:
            google.get("compute", inputs["group"])
        except GoogleError as error:
            if not error.is_absent:
                raise
        else:
            return
        if time.monotonic() >= until:
            name = inputs["group"].rpartition("/")[2]
            message = f"{inputs['group']} is not there: GKE makes it when the Gateway's proxies have their Service"
            look = (
                f"`kubectl get services,servicenetworkendpointgroups -A | grep {name}` and the Service's events say why"
            )
            raise PenstockError(f"{message}; {look}, then run up again")
        say(f"waits for {inputs['group']}, which GKE makes of the service")
        time.sleep(_STEP_S)


def require_unused(google: Google, inputs: Mapping[str, Any]) -> None:
    """PenstockError that names the balancers which still send requests to the group: Google lets none in use go."""
    users = sorted(_users(google, inputs["project"], inputs["group"]))
    if users:
        remedy = (
            "take it out of gcp.globalBalancers of the stack that has them and run up there, or out of them by hand"
        )
        raise PenstockError(f"{', '.join(users)} sends requests to {inputs['group']}; {remedy}; then run destroy again")


def _users(google: Google, project: str, group: str) -> Iterator[str]:
    for service in google.pages("compute", f"projects/{project}/aggregated/backendServices", "items"):
        if any(str(one.get("group", "")).endswith(group) for one in service.get("backends", ())):
            yield f"backend service {service['name']}"


def missing_groups(google: Google, groups: Iterable[str]) -> Iterator[str]:
    """Those of the groups that are not there."""
    for group in groups:
        try:
            google.get("compute", group)
        except GoogleError as error:
            if not error.is_absent:
                raise
            yield group
