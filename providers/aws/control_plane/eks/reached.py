"""Looks from this machine whether the API server of a cluster that is there already is reached as the stack says."""

import shutil
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from components.errors import Problem
from components.labels import STACK
from providers.aws.asked import asked
from providers.aws.control_plane.eks.reach import HOST, PATH
from providers.aws.control_plane.eks.types import EksPlan, InsideReach, PublicReach, SsmHostReach
from providers.aws.tunnel.way import host_of

_TIMEOUT_S = 5.0
_PLUGIN = "session-manager-plugin"


def missing_programs(plan: EksPlan, which: Callable[[str], str | None] = shutil.which) -> Iterator[Problem]:
    """Programs that the kubeconfig calls and that are not on PATH."""
    if which("aws") is None:
        message = "the program aws is not on PATH, and the kubeconfig asks it for tokens; install the AWS command line"
        yield Problem(path="aws.controlPlane", message=f"{message} (version 2)")
    if isinstance(plan.reach, SsmHostReach) and which(_PLUGIN) is None:
        message = f"{_PLUGIN} is not on PATH, by which a port is forwarded to the API server; install it (Systems "
        message += "Manager User Guide, Install the Session Manager plugin), or choose `publicCidrs: [RANGE]`"
        yield Problem(path=f"{PATH}.ssmHost", message=message)


def reached_problems(
    plan: EksPlan, found: Mapping[str, Any], stack: str, client: Callable[[str], Any]
) -> Iterator[Problem]:
    """Everything that keeps this machine from the cluster that EKS describes. None of it stops `up`, which may mend it.

    A proxy of this machine's is not tried: where one leads to the API server, the first two say too much.
    """
    endpoint = str(found.get("endpoint") or "")
    if not endpoint:
        return
    access: Mapping[str, Any] = found.get("resourcesVpcConfig") or {}
    match plan.reach:
        case PublicReach(cidrs=cidrs):
            there = tuple(access.get("publicAccessCidrs") or ()) if access.get("endpointPublicAccess") else ()
            if set(there) == set(cidrs) and not answers(endpoint):
                message = f"{endpoint} answers {', '.join(cidrs)}, and not this machine; add the range that it comes "
                yield Problem(
                    path=f"{PATH}.publicCidrs", message=f"{message}from, or choose `ssmHost: {{}}`", stops=False
                )
        case InsideReach():
            if not answers(endpoint):
                message = f"{endpoint} does not answer this machine; run pulumi inside the network, add the range that "
                message += f"it comes from to {PATH}.inside.cidrs, or choose `ssmHost: {{}}`"
                yield Problem(path=f"{PATH}.inside", message=message, stops=False)
        case SsmHostReach():
            yield from _host_problems(stack, client)


def answers(endpoint: str) -> bool:
    """True if a server that speaks TLS answers at the cluster's address. Whose it is, the kubeconfig's client sees."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    host, port = host_of(endpoint), int(endpoint.rpartition(":")[2]) if endpoint.count(":") > 1 else 443
    try:
        with (
            socket.create_connection((host, port), timeout=_TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=host),
        ):
            return True
    except OSError:
        return False


def _host_problems(stack: str, client: Callable[[str], Any]) -> Iterator[Problem]:
    path = f"{PATH}.ssmHost"
    filters = [
        {"Name": f"tag:{STACK}", "Values": [stack]},
        {"Name": "tag:Name", "Values": [f"*-{HOST}"]},
        {"Name": "instance-state-name", "Values": ["running"]},
    ]
    told = asked("ec2:DescribeInstances", path, lambda: client("ec2").describe_instances(Filters=filters), stops=False)
    ids = [one["InstanceId"] for group in (told or {}).get("Reservations", ()) for one in group["Instances"]]
    if not ids:
        message = (
            "no host of the stack runs; its auto scaling group starts one where it can, and its activity says why "
        )
        yield Problem(path=path, message=f"{message}it cannot; `pulumi up --refresh` makes what is gone", stops=False)
        return
    wanted = [{"Key": "InstanceIds", "Values": ids}]
    known = asked(
        "ssm:DescribeInstanceInformation", path,
        lambda: client("ssm").describe_instance_information(Filters=wanted), stops=False,
    )  # fmt: skip
    states = {one["InstanceId"]: one["PingStatus"] for one in (known or {}).get("InstanceInformationList", ())}
    if "Online" not in states.values():
        state = ", ".join(f"{one} is {states.get(one, 'not known')} to Systems Manager" for one in ids)
        message = f"{state}; wait some minutes where it is new, else look at its role and its way out, or end "
        yield Problem(path=path, message=f"{message}it (its group starts another)", stops=False)
