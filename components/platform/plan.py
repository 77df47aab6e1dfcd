"""Plans the add-ons of a cluster, in order, with the reason for each that is on and each that is off."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from graphlib import TopologicalSorter

from components.errors import Problem, Problems, SpecError
from components.plan.kubernetes import AddonPlan, Concern, Owner, Ownership, PlatformPlan
from components.plan.part import Decision
from components.platform.catalog import ADDONS
from components.platform.refusals import (
    mirror_warnings,
    name_problems,
    needed_by_workloads,
    own_problems,
    value_warnings,
)
from components.platform.request import AddonVerdict, PlatformRequest


def plan_platform(request: PlatformRequest) -> PlatformPlan:
    """The platform; SpecError with everything that cannot be, all at once.

    Refused: an add-on that there is not, one that the cloud forbids, one that its Kubernetes is too old for, a value
    that its chart does not take, one switched off that another needs, and two that would do one thing.
    """
    problems = Problems(name_problems(request.spec))
    verdicts = _verdicts(request, problems)
    plans = {name: _plan(name, verdict, request) for name, verdict in verdicts.items() if verdict.on}
    problems += own_problems(request, plans)
    if problems:
        raise SpecError(problems)
    addons = tuple(_in_order(plans))
    return PlatformPlan(
        addons=addons,
        owners={**request.facts.owners, **dict(_ours(addons))},
        decisions=tuple(_decision(name, verdict) for name, verdict in verdicts.items()),
        warnings=(*value_warnings(plans), *mirror_warnings(request, plans)),
    )


def _verdicts(request: PlatformRequest, problems: Problems) -> Mapping[str, AddonVerdict]:
    """For every add-on; those that another needs are on with it."""
    verdicts = {name: _verdict(name, request) for name in ADDONS}
    waiting = [name for name, verdict in verdicts.items() if verdict.on]
    while waiting:
        name = waiting.pop()
        for needed in ADDONS[name].plan(request).needs:
            if verdicts[needed].on or request.owned(ADDONS[needed].DOES):
                continue
            if problems.collect(_may_be_on, name, needed, request):
                verdicts[needed] = AddonVerdict(on=True, reason=f"{name} needs it")
                waiting.append(needed)
    return verdicts


def _verdict(name: str, request: PlatformRequest) -> AddonVerdict:
    """The user's word, then the cloud's, then our own default."""
    asked = request.asked(name).enabled
    if asked is not None:
        return AddonVerdict(on=asked, reason=f"platform.addons.{name} is {str(asked).lower()}")
    if name not in request.scheduler_addons and (reason := request.facts.refused_addons.get(name)):
        return AddonVerdict(on=False, reason=reason)
    return ADDONS[name].verdict(request)


def _may_be_on(name: str, needed: str, request: PlatformRequest) -> bool:
    """True, or SpecError: the user has switched off what another add-on stands on."""
    if request.asked(needed).enabled is not False:
        return True
    otherwise = "" if needed_by_workloads(request, name) else f", or switch {name} off too"
    message = f"{needed} is switched off, but {name} needs it; switch it on{otherwise}"
    raise SpecError([Problem(path=f"platform.addons.{needed}", message=message)])


def _plan(name: str, verdict: AddonVerdict, request: PlatformRequest) -> AddonPlan:
    return replace(ADDONS[name].plan(request), reason=verdict.reason)


def _in_order(plans: Mapping[str, AddonPlan]) -> Iterator[AddonPlan]:
    """Each after all that it needs, otherwise in the order of the catalog. What others do already is no need."""
    present = {name: tuple(need for need in plan.needs if need in plans) for name, plan in plans.items()}
    sorter = TopologicalSorter(present)
    sorter.prepare()
    while sorter.is_active():
        ready = sorter.get_ready()
        for name in sorted(ready, key=list(plans).index):
            yield replace(plans[name], needs=present[name])
        sorter.done(*ready)


def _ours(addons: tuple[AddonPlan, ...]) -> Iterator[tuple[Concern, Ownership]]:
    for addon in addons:
        for concern in addon.does:
            yield concern, Ownership(owner=Owner.PENSTOCK, by=addon.name, reason=addon.reason)


def _decision(name: str, verdict: AddonVerdict) -> Decision:
    return Decision(path=f"platform.addons.{name}", value="on" if verdict.on else "off", reason=verdict.reason)
