"""Rows of auto scaling groups for the field rules, and sizes of machine types as EC2 describes them."""

import gzip
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from rehearsal.field.facts import ChangeRow, Effect, MachineSize
from rehearsal.field.service_facts import RefreshRow

GROUP = "aws:autoscaling/group:Group"
_REFRESH = "EC2 Auto Scaling User Guide, Use an instance refresh to update instances in an Auto Scaling group"
_API = "EC2 Auto Scaling API Reference, UpdateAutoScalingGroup"

GROUP_CHANGES = (
    *(
        ChangeRow(resource=GROUP, path=path, effect=effect, source=source)
        for effect, source, paths in (
            (Effect.ROLLS, _REFRESH, ("launchTemplate",)),
            (
                Effect.NOTHING,
                _API,
                (
                    "minSize", "maxSize", "desiredCapacity", "tags", "instanceRefresh", "healthCheckType",
                    "healthCheckGracePeriod", "waitForCapacityTimeout", "vpcZoneIdentifiers", "terminationPolicies",
                    "protectFromScaleIn", "suspendedProcesses", "forceDelete",
                ),
            ),
            (Effect.REPLACES, _API, ("*",)),
        )
        for path in paths
    ),
)  # fmt: skip

REFRESHES = (
    RefreshRow(
        resource=GROUP, template="launchTemplate.id", refresh="instanceRefresh",
        least="instanceRefresh.preferences.minHealthyPercentage", most="maxSize", source=_REFRESH,
    ),
)  # fmt: skip


def size_of(machine_type: str) -> MachineSize | None:
    """A machine type as EC2 describes it (DescribeInstanceTypes, in moto's copy)."""
    found = _described().get(machine_type)
    if found is None:
        return None
    network = found["NetworkInfo"]
    card = network["NetworkCards"][network.get("DefaultNetworkCardIndex", 0)]
    chips = found.get("GpuInfo", {}).get("Gpus") or found.get("NeuronInfo", {}).get("NeuronDevices") or ()
    kinds = [
        *found["ProcessorInfo"]["SupportedArchitectures"],
        *(f"{chip['Count']} x {chip['Name']}" for chip in chips),
    ]
    if found["BurstablePerformanceSupported"]:
        kinds.append("burstable")
    return MachineSize(
        cores=found["VCpuInfo"]["DefaultVCpus"],
        memory_mib=found["MemoryInfo"]["SizeInMiB"],
        pods=card["MaximumNetworkInterfaces"] * (network["Ipv4AddressesPerInterface"] - 1) + 2,
        kind=", ".join(kinds),
    )


@cache
def _described() -> Mapping[str, Any]:
    text = gzip.decompress(files("moto.ec2").joinpath("resources/instance_types.json.gz").read_bytes())
    described: Mapping[str, Any] = json.loads(text)
    return described
