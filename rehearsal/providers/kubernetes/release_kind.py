"""kubernetes:helm.sh/v3:Release, as the engine sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.provider.errors import ProviderError, UnfinishedError
from engine.provider.values import Unknown
from lab.releases import Releases, ReleaseState, read_ask
from rehearsal.providers.kubernetes.differences import Difference, plain_changes
from rehearsal.providers.kubernetes.manifests import INPUTS, has_unknown, without_nulls

Values = dict[str, Any]
REPLACING = ("name", "namespace")
DEPLOYED = "deployed"


class ReleaseKind:
    """Checks, compares, installs, upgrades, reads and uninstalls, by whoever installs here."""

    def __init__(self, releases: Releases) -> None:
        self._releases = releases

    def checked(
        self, inputs: Mapping[str, Any], before: Mapping[str, Any], proposed: str
    ) -> tuple[Values, tuple[str, ...]]:
        """The inputs with a name, and what is wrong with them."""
        done = dict(inputs)
        done["name"] = inputs.get("name") or before.get("name") or proposed
        if not done.get("chart"):
            return done, ("chart: required value",)
        if has_unknown(done):
            return done, ()
        return done, self._releases.check(read_ask(done))

    def difference(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Difference:
        changes = plain_changes(without_nulls(old), without_nulls(new))
        replaces = tuple(path for path in changes if path in REPLACING)
        return Difference(changes=changes, replaces=replaces, delete_first=False)

    def foreseen(self, inputs: Mapping[str, Any]) -> Values:
        return {**inputs, "status": Unknown(), "resourceNames": Unknown()}

    def create(self, inputs: Mapping[str, Any]) -> tuple[str, Values]:
        return self._done(self._releases.install(read_ask(inputs)), inputs)

    def update(self, inputs: Mapping[str, Any]) -> tuple[str, Values]:
        return self._done(self._releases.upgrade(read_ask(inputs)), inputs)

    def read(self, id: str, inputs: Mapping[str, Any]) -> Values | None:  # noqa: A002 (the engine's own word)
        """The release as it stands, None where there is none."""
        namespace, _, name = id.rpartition("/")
        found = self._releases.state(name, namespace or "default")
        return None if found is None else _outputs(found, inputs)

    def delete(self, id: str, inputs: Mapping[str, Any]) -> None:  # noqa: A002 (the engine's own word)
        namespace, _, name = id.rpartition("/")
        timeout_s = read_ask({**inputs, "name": name, "chart": inputs.get("chart") or name}).timeout_s
        self._releases.uninstall(name, namespace or "default", timeout_s=timeout_s)

    def _done(self, state: ReleaseState, inputs: Mapping[str, Any]) -> tuple[str, Values]:
        outputs, name = _outputs(state, inputs), f"{state.namespace}/{state.name}"
        if state.status == DEPLOYED:
            return name, outputs
        if state.status == "uninstalled":
            raise ProviderError(f"release {name} failed and was taken back: {state.reason}")
        raise UnfinishedError([f"Helm release {name!r} is {state.status}: {state.reason}"], outputs, id=name)


def _outputs(state: ReleaseState, inputs: Mapping[str, Any]) -> Values:
    given = {name: value for name, value in inputs.items() if name != INPUTS}
    return given | {
        "namespace": state.namespace,
        "status": {
            "name": state.name, "namespace": state.namespace, "chart": state.chart, "version": state.version,
            "appVersion": state.app_version, "revision": state.revision, "status": state.status,
        },
        "resourceNames": {kind: list(names) for kind, names in state.resources.items()},
        INPUTS: given,
    }  # fmt: skip
