"""The controller of GKE's networks for pods, in a simulated cluster."""

from collections.abc import Callable

from rehearsal.cloud.account import Account
from rehearsal.kubernetes.objects import Body, Objects
from rehearsal.kubernetes.settling import report
from rehearsal.providers.gcp.brought import GROUP, PARAMETERS, why_not_ready


def network_of_pods(account: Account) -> Callable[[Objects, str, Body], bool]:
    """The controller: it sets the condition Ready, and says why not; it looks again until it is."""

    def settle(objects: Objects, key: str, body: Body) -> bool:
        named = (body["spec"].get("parametersRef") or {}).get("name", "")
        reason = why_not_ready(account, body, objects.at(f"{GROUP}|{PARAMETERS}||{named}"))
        report(objects, key, body, "Ready", reason)
        return not reason

    return settle
