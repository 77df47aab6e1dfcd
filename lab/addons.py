"""Add-ons of a platform on a lab, installed as a program would: by helm, each behind its barrier."""

import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from components.kubernetes.api import ApiError, KubernetesApi
from components.kubernetes.definitions import GROUPS_OF_CHARTS, kinds_of_groups
from components.plan.kubernetes import AddonPlan
from engine.provider.errors import ProviderError
from lab.charts import charts_in
from lab.errors import LabError
from lab.helm import HelmReleases
from lab.lab import Lab, Say
from lab.releases import ReleaseAsk, chart_name
from plugin.kubernetes.barrier import DEFINITIONS, missing
from tools.lab import MODULES, Tools

POLL_S = 0.5
PROTECTED, APPROVAL = "api-approved.kubernetes.io", "unapproved, for a lab"
"""Groups below k8s.io must say whether they were approved."""
STANDING = ("default", "kube-system")


def charts(tools: Tools) -> dict[str, Path]:
    """The charts that the lab's modules bring, by name."""
    return charts_in(tools.files(name, "charts") for name, module in MODULES.items() if "charts" in module.files)


def install(lab: Lab, addons: Iterable[AddonPlan], tools: Tools, say: Say = lambda _: None) -> tuple[str, ...]:
    """Installs those whose charts are here, in order; the names of the others. LabError where one does not come up."""
    known = charts(tools)
    releases = HelmReleases(tools.programs["helm"], known, lab.access(), lab.home.folder / "helm")
    return tuple(_left_out(lab, addons, known, releases, say))


def _left_out(
    lab: Lab, addons: Iterable[AddonPlan], known: Mapping[str, Path], releases: HelmReleases, say: Say
) -> Iterator[str]:
    with KubernetesApi(lab.access()) as api:
        for addon in addons:
            if addon.release is None or chart_name(addon.release.chart) not in known:
                _define(api, addon)
                yield addon.name
                continue
            say(f"installing {addon.name}")
            _install(api, addon, releases)


def _define(api: KubernetesApi, addon: AddonPlan) -> None:
    """The kinds of a chart that is not here, without their schemas: other charts make objects of them."""
    chart = chart_name(addon.release.chart) if addon.release else addon.name
    for definition, kinds in kinds_of_groups(GROUPS_OF_CHARTS.get(chart, ())).items():
        first = kinds[0]
        names = {
            "kind": first.kind,
            "plural": first.plural,
            "singular": first.kind.lower(),
            "listKind": f"{first.kind}List",
        }
        schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        versions = [
            {"name": one.version, "served": True, "storage": one is first, "schema": {"openAPIV3Schema": schema}}
            for one in kinds
        ]
        scope = "Namespaced" if first.namespaced else "Cluster"
        metadata = {"name": definition, "annotations": {PROTECTED: APPROVAL}}
        spec = {"group": first.group, "names": names, "scope": scope, "versions": versions}
        body = {"apiVersion": DEFINITIONS, "kind": "CustomResourceDefinition", "metadata": metadata, "spec": spec}
        api.apply(body, force=True)


def _install(api: KubernetesApi, addon: AddonPlan, releases: HelmReleases) -> None:
    release = addon.release
    assert release is not None
    for manifest in (*_namespace(addon.namespace), *addon.manifests):
        api.apply(manifest, force=True)
    ask = ReleaseAsk(
        name=addon.name, namespace=addon.namespace, chart=chart_name(release.chart), version=release.version,
        values=release.values, create_namespace=False, timeout_s=release.timeout_s, wait=True, wait_for_jobs=False,
        atomic=False, skip_crds=False,
    )  # fmt: skip
    try:
        state = releases.state(ask.name, ask.namespace) or releases.install(ask)
    except ProviderError as error:
        raise LabError(f"{addon.name} cannot be installed: {error}") from None
    if state.reason:
        raise LabError(f"{addon.name} does not come up: {state.reason}")
    _wait_ready(api, addon, release.timeout_s)
    for manifest in addon.objects:
        api.apply(manifest, force=True)


def _namespace(name: str) -> Iterator[Mapping[str, object]]:
    if name not in STANDING:
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _wait_ready(api: KubernetesApi, addon: AddonPlan, timeout_s: int) -> None:
    until = time.monotonic() + timeout_s
    while waiting := _missing(api, addon):
        if time.monotonic() > until:
            raise LabError(f"{addon.name} is not ready: it waits for {waiting[0]}")
        time.sleep(POLL_S)


def _missing(api: KubernetesApi, addon: AddonPlan) -> list[str]:
    try:
        return missing(api, addon.crds, addon.webhooks)
    except ApiError as error:
        return [str(error)]
