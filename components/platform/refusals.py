"""Problems of a platform, each with the path, the value and the remedy."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from components.errors import Problem
from components.images import STACK_REGISTRY, is_stack_mirror
from components.plan.kubernetes import AddonPlan, Concern, Owner
from components.platform.catalog import ADDONS
from components.platform.images import pulled_images
from components.platform.request import TAGS, PlatformRequest
from components.platform.values import check_values
from components.platform.versions import versions
from components.spec.explain import suggestion
from components.spec.platform import KeptBy, PlatformSpec


def name_problems(spec: PlatformSpec) -> Iterator[Problem]:
    """Add-ons that there are not, and values for those whose chart takes no such key."""
    for name, asked in spec.addons.items():
        path = f"platform.addons.{name}"
        if name not in ADDONS:
            hint = suggestion(name, sorted(ADDONS)) or f"; available: {', '.join(sorted(ADDONS))}"
            yield Problem(path=path, message=f"{name!r} is not an add-on{hint}")
        elif versions()[name].keys_exact:
            yield from check_values(name, asked.values)


def value_warnings(plans: Mapping[str, AddonPlan]) -> Iterator[str]:
    """Keys that are in doubt, as the chart's own keys are known of another version only."""
    for name, plan in plans.items():
        if plan.release is not None and not versions()[name].keys_exact:
            for problem in check_values(name, plan.release.values):
                yield f"{problem} (the keys known are of another version of the chart)"


def mirror_warnings(request: PlatformRequest, plans: Mapping[str, AddonPlan]) -> Iterator[str]:
    """Contents that a mirror has to have, and charts whose images it does not move."""
    mirror = request.spec.registry_mirror
    if mirror is None or is_stack_mirror(mirror):
        return
    rows = {name: versions()[name] for name in plans}
    bare = [name for name, row in rows.items() if row.chart and not row.images]
    for name in bare:
        yield (
            f"platform.registryMirror: the images of {name} are not moved, as the values that name them are not known; "
            f"give them under platform.addons.{name}.values, or switch it off"
        )
    images = [image for row in rows.values() for path, image in row.images.items() if not path.endswith(TAGS)]
    registries = ", ".join(sorted({image.partition("/")[0] for image in images}))
    yield (
        f"platform.registryMirror: {mirror} must hold the images of {registries}, each below its registry's name "
        f"({mirror.rstrip('/')}/{images[0].partition('/')[0]}/...)"
    )


def own_problems(request: PlatformRequest, plans: Mapping[str, AddonPlan]) -> Iterator[Problem]:
    """All that is wrong with what would be installed."""
    for name, plan in plans.items():
        unwanted = (*_forbidden(request, name), *_too_old(request, name), *_done_by_others(request, plan))
        yield from unwanted or _without_values(plan)
    yield from _scheduler_without(request)
    yield from _workloads_without(request)
    yield from _done_twice(plans)
    yield from _without_zone(request, plans)
    yield from _without_keeper(request, plans)
    yield from _nobody_wakes(request, plans)
    yield from _not_copied(request, plans)


def _not_copied(request: PlatformRequest, plans: Mapping[str, AddonPlan]) -> Iterator[Problem]:
    """Add-ons whose images nobody copies into the stack's own registry, as they are not known."""
    if not is_stack_mirror(request.spec.registry_mirror):
        return
    for name in plans:
        if name not in pulled_images():
            what = f"its images are not known, so `penstock images push` copies none to {STACK_REGISTRY}"
            message = f"{what}; leave it out, or name a mirror of your own in platform.registryMirror"
            yield Problem(path=f"platform.addons.{name}", message=message)


def _without_values(plan: AddonPlan) -> Iterator[Problem]:
    """Values that the add-on cannot do without, and that neither the cloud nor the user gives."""
    for paths, what in _required().get(plan.name, {}).items():
        first, *others = paths.split()
        if plan.release is None or any(_given(plan.release.values, path) for path in (first, *others)):
            continue
        known = f" (or {', '.join(others)})" if others else ""
        message = f"is missing{known}: {what}; without it {plan.name} does nothing: give it, or switch {plan.name} off"
        yield Problem(path=f"platform.addons.{plan.name}.values.{first}", message=message)


def _given(values: Mapping[str, Any], path: str) -> bool:
    value: Any = values
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return bool(value)


@cache
def _required() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads(Path(__file__).with_name("required_values.toml").read_text())


def _forbidden(request: PlatformRequest, name: str) -> Iterator[Problem]:
    reason = request.facts.refused_addons.get(name)
    if reason is None:
        return
    if request.asked(name).enabled:
        yield Problem(path=f"platform.addons.{name}", message=f"true, but it must not be installed here: {reason}")
    elif name in request.scheduler_addons:
        message = f"it needs {name}, which must not be installed here: {reason}; choose another kind"
        yield Problem(path="scheduler.kind", message=message)
    else:
        message = f"another add-on needs it, but it must not be installed here: {reason}; switch that one off"
        yield Problem(path=f"platform.addons.{name}", message=message)


def _too_old(request: PlatformRequest, name: str) -> Iterator[Problem]:
    row = versions()[name]
    if not row.kubernetes_is_enough(request.facts.version):
        message = f"{name} {row.version} needs Kubernetes {row.min_kubernetes} or newer, and this is "
        remedy = f"{request.facts.version}; take a newer one, or switch {name} off"
        yield Problem(path=f"platform.addons.{name}", message=message + remedy)


def _done_by_others(request: PlatformRequest, plan: AddonPlan) -> Iterator[Problem]:
    """Problems of add-ons whose work the image, the cloud or others do already."""
    for concern in plan.does:
        owner = request.owner(concern)
        if owner is None or owner.owner is Owner.PENSTOCK:
            continue
        path = f"platform.addons.{plan.name}"
        if concern is Concern.DCGM:
            yield Problem(path=path, message=_second_host_engine(plan.name, owner.by))
            continue
        message = f"{plan.name} would be a second {concern.value}: {owner.by} ({owner.owner.value}) does it already"
        yield Problem(path=path, message=f"{message}, as {owner.reason}; switch off the one or the other")


def _second_host_engine(name: str, by: str) -> str:
    """Issue 2555 of aws/containers-roadmap: the agent then calls healthy nodes faulty, and they are replaced."""
    what = f"{name} would run a DCGM host engine beside that of {by}"
    return (
        f"{what}, which could not reach its own and would have healthy nodes replaced; leave dcgm off, or node repair"
    )


def _done_twice(plans: Mapping[str, AddonPlan]) -> Iterator[Problem]:
    """Problems of two add-ons of penstock's that would do one thing."""
    first: dict[Concern, str] = {}
    for plan in plans.values():
        for concern in plan.does:
            other = first.setdefault(concern, plan.name)
            if other != plan.name and not _of_different_devices(concern, other, plan.name):
                message = f"{other} and {plan.name} would both be the {concern.value}; switch one of them off"
                yield Problem(path=f"platform.addons.{plan.name}", message=message)


def _of_different_devices(concern: Concern, one: str, other: str) -> bool:
    """A plugin of one vendor's devices is none of another's."""
    apart = (Concern.DEVICE_PLUGIN, Concern.FABRIC_DEVICES)
    return concern in apart and {one, other} in ({"gpu-operator", "neuron"}, {"efa-device-plugin", "network-operator"})


def _scheduler_without(request: PlatformRequest) -> Iterator[Problem]:
    """Add-ons that are switched off, of which the scheduler consists, and that nobody else has put there."""
    for name in request.scheduler_addons:
        if request.asked(name).enabled is False and not request.owned(ADDONS[name].DOES):
            message = f"is switched off, but the scheduler needs {name}; switch it on, or choose another scheduler.kind"
            yield Problem(path=f"platform.addons.{name}", message=message)


def _workloads_without(request: PlatformRequest) -> Iterator[Problem]:
    """Add-ons that are switched off, though the pools or the service need them."""
    for name in ADDONS:
        if request.asked(name).enabled is False and (reason := needed_by_workloads(request, name)):
            message = f"is switched off, but {reason}; switch it on, or leave out what needs it"
            yield Problem(path=f"platform.addons.{name}", message=message)


def needed_by_workloads(request: PlatformRequest, name: str) -> str:
    """Reason why without the add-on nobody announces a pool's devices, or reads an object of the service; "" if none
    of that depends on it.
    """
    unowned = any(request.owner(concern) is None for concern in ADDONS[name].DOES if concern in _OF_DEVICES)
    if not unowned and name not in _OF_SERVICES:
        return ""
    verdict = ADDONS[name].verdict(request)
    return verdict.reason if verdict.on else ""


_OF_DEVICES = frozenset({Concern.DEVICE_PLUGIN, Concern.FABRIC_DEVICES, Concern.COMPUTE_DOMAINS})
"""Concerns without which pods that ask for a pool's devices wait for ever."""
_OF_SERVICES = frozenset({"leader-worker-set", "keda", "prometheus-adapter", "gateway-api"})
"""Add-ons that are on only for what the service asks for by name."""


def _without_zone(request: PlatformRequest, plans: Mapping[str, AddonPlan]) -> Iterator[Problem]:
    """Names are made in one zone, and without one in every zone that the credentials open (external-dns,
    docs/flags.md, --domain-filter)."""
    name = "external-dns"
    if name in plans and request.spec.domain is None and not _given(request.asked(name).values, "domainFilters"):
        message = f"is missing, and {name} makes names in a zone of yours alone; give it, or switch {name} off"
        yield Problem(path="platform.domain", message=message)


def _without_keeper(request: PlatformRequest, plans: Mapping[str, AddonPlan]) -> Iterator[Problem]:
    """Logs and metrics that nobody would keep, or collect."""
    spec, facts = request.spec, request.facts
    if spec.logs is KeptBy.CLOUD and not facts.log_output:
        message = "cloud: penstock knows no log service of this cluster; set inCluster, or leave it out"
        yield Problem(path="platform.logs", message=message)
    if spec.metrics is KeptBy.CLOUD and not facts.keeps_metrics:
        message = "cloud: penstock knows no service for metrics of this cluster; set inCluster, or leave it out"
        yield Problem(path="platform.metrics", message=message)
    wanted = {"logs": spec.logs, "metrics": spec.metrics if spec.metrics is KeptBy.CLOUD else None}
    for key, keeper in wanted.items():
        name = _COLLECTORS[key]
        if keeper and name not in plans:
            owner = next((owner for _, owner in request.owned(ADDONS[name].DOES)), None)
            why = f"{owner.by} collects them already" if owner else f"{name}, which collects them, is switched off"
            remedy = "leave this out" if owner else f"switch {name} on, or leave this out"
            message = f"{keeper.value}, but {why}; {remedy}"
            yield Problem(path=f"platform.{key}", message=message)


_COLLECTORS = {"logs": "fluent-bit", "metrics": "kube-prometheus-stack"}
"""Add-ons that read what is kept."""


def _nobody_wakes(request: PlatformRequest, plans: Mapping[str, AddonPlan]) -> Iterator[Problem]:
    """A service without servers is woken by what the proxies of our own Envoy Gateway count."""
    scaling = request.service.autoscaling if request.service else None
    if scaling is None or not scaling.to_zero:
        return
    for name in ("keda", "kube-prometheus-stack", "gateway-api"):
        by_others = name != "gateway-api" and request.owned(ADDONS[name].DOES)
        if name not in plans and not by_others:
            message = f"0, but without penstock's own {name} nothing would wake a server; switch it on, or take 1"
            yield Problem(path="inference.autoscaling.minReplicas", message=message)
