"""NVLink: pods of several machines share it only inside a compute domain, on machines whose chips it joins."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from rehearsal.field.deployed import Deployment, Finding, at
from rehearsal.field.pods import pods_of, why_elsewhere

RACKS = ("p6e-gb[23]00.*", "a4x-*", "*gb200*", "*gb300*")
"""Machine types whose chips reach those of other machines over NVLink."""

DOMAINS = "NVIDIA GPU Operator, DRA driver: without a ComputeDomain no IMEX daemon runs, and NCCL takes the network"
ADMISSION = "Kueue 0.18, KEP 2941: a claim of a device class without a mapping keeps the workload out of its queue"
OWN_CLAIMS = ("KueueDRAIntegration", "KueueDRARejectWorkloadsWhenDRADisabled")


def nvlink(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each gang and check without a domain, and for claims that keep their job out of its queue."""
    templates = {
        str(at(body, "spec.channel.resourceClaimTemplate.name"))
        for body in deployment.objects
        if body.get("kind") == "ComputeDomain"
    }
    claiming = False
    for subject, spec, many in _gangs(deployment):
        claims = {str(claim.get("resourceClaimTemplateName")) for claim in spec.get("resourceClaims") or ()}
        claiming = claiming or bool(claims)
        racks = [pool for pool in deployment.pools if _is_rack(pool.machine_type)]
        on_racks = [pool.name for pool in racks if not why_elsewhere(pool, spec)]
        if many and on_racks and not claims & templates:
            message = f"runs on several machines of {on_racks[0]} and claims no channel of a ComputeDomain"
            yield Finding(rule="nvlink", subject=subject, message=f"{message}: NVLink ends at each", source=DOMAINS)
    if claiming:
        yield from _kept_out(deployment)


def _gangs(deployment: Deployment) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """Pods of jobs and of the gate's checks, with whether there are several."""
    for body in deployment.objects:
        if body.get("kind") not in ("Deployment", "StatefulSet", "DaemonSet", "Pod"):
            for pod in pods_of(body):
                yield pod.subject, pod.spec, _many(body)
    for gate in deployment.of("penstock:kubernetes:Gate"):
        for pool in gate.inputs.get("pools") or ():
            if check := pool.get("check"):
                for pod in pods_of(check):
                    yield f"check of {pool['pool']}", pod.spec, int(at(check, "spec.parallelism") or 1) > 1


def _many(value: Any) -> bool:
    """True if the object asks for more than one pod anywhere."""
    if isinstance(value, Mapping):
        counts = (value.get(key) for key in ("parallelism", "numNodes", "replicas", "minAvailable"))
        return any(isinstance(count, int | float) and count > 1 for count in counts) or any(map(_many, value.values()))
    return isinstance(value, list | tuple) and any(map(_many, value))


def _is_rack(machine_type: str) -> bool:
    return any(fnmatchcase(machine_type.lower(), pattern) for pattern in RACKS)


def _kept_out(deployment: Deployment) -> Iterator[Finding]:
    for chart in deployment.charts:
        gates = at(chart.values, "controllerManager") or {}
        off = {row["name"] for row in gates.get("featureGates") or () if not row["enabled"]}
        mapped = "deviceClassMappings" in str(at(chart.values, "managerConfig.controllerManagerConfigYaml"))
        if chart.chart == "kueue" and not mapped and not set(OWN_CLAIMS) <= off:
            message = "pods claim devices that kueue has no quota of, and it admits no such job"
            yield Finding(rule="nvlink", subject="kueue", message=message, source=ADMISSION)
