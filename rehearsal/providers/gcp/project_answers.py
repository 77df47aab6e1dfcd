"""Answers about what stands around a stack: networks and their host project, rights there, policies, limits."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rehearsal.cloud.account import Account, Object
from rehearsal.cloud.standing import StandingThing
from rehearsal.providers.gcp import organization
from rehearsal.providers.gcp.names import FIREWALL, MEMBER, NETWORK, ROUTER_NAT, SUBNETWORK, last
from rehearsal.providers.gcp.standing import ATTACHED, ON_SUBNET

Route = tuple[str, str, Callable[..., dict[str, Any]]]
UNLIMITED = "1000000"


class ProjectAnswers:
    """Reads of one account and of what stood there before. `absent` makes the refusal of a name that is not there."""

    def __init__(
        self, account: Account, standing: tuple[StandingThing, ...], absent: Callable[[str], Exception]
    ) -> None:
        self._account, self._standing, self._absent = account, standing, absent
        subnet = r"(?P<path>projects/[^/]+/regions/[^/]+/subnetworks/[^/]+)"
        self.routes: tuple[Route, ...] = (
            ("GET compute", r"projects/(?P<project>[^/]+)/getXpnHost", self._host),
            ("GET compute", subnet, self._subnet),
            ("GET compute", rf"{subnet}/getIamPolicy", self._rights_on),
            ("GET compute", r"(?P<path>projects/[^/]+/global/networks/[^/]+)", self._network),
            ("GET compute", r"projects/(?P<project>[^/]+)/regions/[^/]+/routers", self._routers),
            ("GET compute", r"projects/[^/]+/global/firewalls", self._firewalls),
            ("POST resource_manager", r"projects/(?P<project>[^/]+):getIamPolicy", self._rights_in),
            ("POST resource_manager", r"projects/(?P<project>[^/]+):getEffectiveOrgPolicy", self._policy),
            ("GET cloud_quotas", r"projects/.*/services/[^/]+/quotaInfos/(?P<name>[^/]+)", self._limit),
        )  # fmt: skip

    def _all(self, token: str) -> Iterator[Object | StandingThing]:
        yield from (one for one in self._account.objects() if one.token == token)
        yield from (one for one in self._standing if one.token == token)

    def _named(self, token: str, path: str) -> Mapping[str, Any]:
        found = next((one for one in self._all(token) if one.id == path), None)
        if found is None:
            raise self._absent(path)
        return found.inputs

    def _host(self, *, project: str, **_: Any) -> dict[str, Any]:
        hosts = [
            str(one.inputs["hostProject"]) for one in self._all(ATTACHED) if one.inputs["serviceProject"] == project
        ]
        return {"name": hosts[0]} if hosts else {}

    def _subnet(self, *, path: str, **_: Any) -> dict[str, Any]:
        return dict(self._named(SUBNETWORK, path))

    def _network(self, *, path: str, **_: Any) -> dict[str, Any]:
        return dict(self._named(NETWORK, path))

    def _routers(self, *, project: str, **_: Any) -> dict[str, Any]:
        """Of each NAT its router."""
        nats = [one.inputs for one in self._all(ROUTER_NAT) if one.inputs.get("project") == project]
        return {
            "items": [
                {"name": last(one["router"]), "network": one.get("network", ""), "nats": [{"name": one["name"]}]}
                for one in nats
            ]
        }

    def _firewalls(self, **_: Any) -> dict[str, Any]:
        rules = []
        for one in self._all(FIREWALL):
            allowed = one.inputs.get("allowed") or [
                {"IPProtocol": each["protocol"], "ports": each.get("ports", [])}
                for each in one.inputs.get("allows") or ()
            ]
            network, direction = str(one.inputs.get("network", "")), one.inputs.get("direction", "INGRESS")
            rules.append(
                {"name": one.inputs["name"], "selfLink": f"https://www.googleapis.com/compute/v1/{one.id}",
                 "network": network, "direction": direction, "allowed": allowed}
            )  # fmt: skip
        return {"items": rules}

    def _rights_on(self, *, path: str, **_: Any) -> dict[str, Any]:
        return _bindings(one.inputs for one in self._all(ON_SUBNET) if one.inputs["subnetwork"] == path)

    def _rights_in(self, *, project: str, **_: Any) -> dict[str, Any]:
        return _bindings(one.inputs for one in self._all(MEMBER) if one.inputs.get("project") == project)

    def _policy(self, *, project: str, body: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        return organization.effective(self._account, project, str(body["constraint"]))

    @staticmethod
    def _limit(*, name: str, **_: Any) -> dict[str, Any]:
        return {"quotaId": name, "dimensionsInfos": [{"dimensions": {}, "details": {"value": UNLIMITED}}]}


def _bindings(given: Iterator[Mapping[str, Any]]) -> dict[str, Any]:
    return {"bindings": [{"role": one["role"], "members": [one["member"]]} for one in given]}
