"""Plans endpoints of Vertex AI with models of Model Garden: machines, quotas, problems."""

from collections.abc import Iterator, Mapping, Sequence

from components.errors import Problem, SpecError
from components.plan.part import BillLine, Decision, PartPlan, QuotaNeed
from components.spec.explain import suggestion
from providers.gcp.catalog import machines
from providers.gcp.serving.settings import GardenEndpointSpec
from providers.gcp.tables import PRICES, QUOTAS
from providers.gcp.types import GardenEndpointPlan

PATH = "gcp.endpoints"
SERVICES = {"aiplatform.googleapis.com": "endpoints of Vertex AI"}
RIGHTS = ("aiplatform.endpoints.deploy",)
_ACCELERATORS: Mapping[str, str] = {
    "l4": "NVIDIA_L4",
    "a100-40gb": "NVIDIA_TESLA_A100",
    "a100-80gb": "NVIDIA_A100_80GB",
    "h100": "NVIDIA_H100_80GB",
}
"""Vertex AI's names of accelerators (API reference, MachineSpec.acceleratorType), of those whose quota is published."""


def plan_endpoints(asked: Sequence[GardenEndpointSpec], stack: str) -> tuple[GardenEndpointPlan, ...]:
    """The endpoints that are asked for; SpecError with every problem at once."""
    problems = [*_twice(asked), *(problem for one in asked for problem in _problems(one))]
    if problems:
        raise SpecError(problems)
    return tuple(_endpoint(one, stack) for one in asked)


def part(plan: Sequence[GardenEndpointPlan], region: str) -> PartPlan:
    """Endpoints of Vertex AI; their price is none of penstock's tables."""
    source = PRICES["endpoints"].source_in(region)
    bill = (
        BillLine(what=f"endpoint {one.key}, {one.machine_type}", count=one.least, unit_usd_per_hour=None, source=source)
        for one in plan
    )
    return PartPlan(
        decisions=tuple(_decided(plan)), quotas=tuple(_quotas(plan)), bill=tuple(bill),
        warnings=tuple(_warnings(plan)),
    )  # fmt: skip


def _twice(asked: Sequence[GardenEndpointSpec]) -> Iterator[Problem]:
    names = [one.name for one in asked]
    for name in sorted({name for name in names if names.count(name) > 1}):
        message = f"{names.count(name)} endpoints have the name {name!r}; give each a name of its own"
        yield Problem(path=f"{PATH}.{name}", message=message)


def _problems(asked: GardenEndpointSpec) -> Iterator[Problem]:
    path = f"{PATH}.{asked.name}"
    if not _accelerator(asked.machine_type):
        fitting = sorted((name for name in machines() if _accelerator(name)), key=lambda name: machines()[name].cores)
        hint = suggestion(asked.machine_type, fitting) or f"; it does on {', '.join(fitting[:4])} and larger ones"
        message = f"{asked.machine_type!r} is no machine type on which penstock knows Vertex AI to serve"
        yield Problem(path=f"{path}.machineType", message=f"{message}{hint}")
    if not asked.accept_license:
        message = "false, and Google deploys no model whose licence is not accepted; read it, and set true"
        yield Problem(path=f"{path}.acceptLicense", message=message)


def _accelerator(machine_type: str) -> str:
    """Vertex AI's name of the machine type's accelerators; empty where it serves on none of them."""
    machine = machines().get(machine_type)
    return _ACCELERATORS.get(machine.accelerator.name.lower(), "") if machine and machine.accelerator else ""


def _endpoint(asked: GardenEndpointSpec, stack: str) -> GardenEndpointPlan:
    return GardenEndpointPlan(
        key=asked.name,
        display_name=f"{stack}-{asked.name}",
        publisher=asked.model.publisher or "",
        hugging_face=asked.model.hugging_face or "",
        machine_type=asked.machine_type,
        accelerator=_accelerator(asked.machine_type),
        accelerators=machines()[asked.machine_type].accelerator_count,
        least=asked.min_replicas,
        most=asked.max_replicas or asked.min_replicas,
    )


def _decided(plan: Sequence[GardenEndpointPlan]) -> Iterator[Decision]:
    for one in plan:
        reason = "under a name of its own; whom IAM gives aiplatform.endpoints.predict may ask, and nobody else"
        yield Decision(path=f"{PATH}.{one.key}.access", value="by IAM", reason=reason)


def _quotas(plan: Sequence[GardenEndpointPlan]) -> Iterator[QuotaNeed]:
    for kind in dict.fromkeys(one.accelerator for one in plan):
        those = [one for one in plan if one.accelerator == kind]
        reason = f"endpoints {', '.join(one.key for one in those)}"
        yield QUOTAS[f"endpoints.{kind}"].need(sum(one.most * one.accelerators for one in those), reason)


def _warnings(plan: Sequence[GardenEndpointPlan]) -> Iterator[str]:
    for one in plan:
        yield (
            f"{PATH}.{one.key}: {one.least} x {one.machine_type} run and are billed until `destroy`, also while nobody "
            "asks; any change of it deploys the model anew, and nobody answers meanwhile"
        )
