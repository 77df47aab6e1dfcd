"""Resource types of the made-up cloud, as a generated SDK has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi


class _Resource(pulumi.CustomResource):
    """A resource whose constructor's keywords are its inputs; `computed` are outputs that the cloud adds."""

    def __init__(self, token: str, name: str, inputs: Mapping[str, Any], computed: Sequence[str], opts: Any) -> None:
        super().__init__(f"madeup:{token}", name, {**inputs, **dict.fromkeys(computed)}, opts)


class Network(_Resource):
    name: pulumi.Output[str]

    def __init__(
        self, resource: str, *, cidr: pulumi.Input[str], name: pulumi.Input[str | None] = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        super().__init__("network/network:Network", resource, {"cidr": cidr, "name": name}, ("link",), opts)


class Cluster(_Resource):
    endpoint: pulumi.Output[str]
    authority: pulumi.Output[str]
    name: pulumi.Output[str]

    def __init__(
        self, resource: str, *, network: pulumi.Input[str], version: pulumi.Input[str],
        name: pulumi.Input[str | None] = None, opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        inputs = {"network": network, "version": version, "name": name}
        super().__init__("kubernetes/cluster:Cluster", resource, inputs, ("endpoint", "authority"), opts)


class Pool(_Resource):
    name: pulumi.Output[str]

    def __init__(  # noqa: PLR0913 (one for each input)
        self, resource: str, *, cluster: pulumi.Input[str], machine: pulumi.Input[str], count: pulumi.Input[int],
        labels: pulumi.Input[Mapping[str, pulumi.Input[str]]], name: pulumi.Input[str | None] = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        inputs = {"cluster": cluster, "machine": machine, "count": count, "labels": labels, "name": name}
        super().__init__("kubernetes/pool:Pool", resource, inputs, (), opts)


TYPES: Mapping[str, type[pulumi.CustomResource]] = {
    "madeup:network/network:Network": Network,
    "madeup:kubernetes/cluster:Cluster": Cluster,
    "madeup:kubernetes/pool:Pool": Pool,
}
