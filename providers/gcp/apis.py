"""APIs of a project, switched on and answering, as Pulumi resources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
from pulumi_gcp import projects

PATIENCE_S = 600.0
"""An API that has been switched on answers after a minute or two (hashicorp/terraform-provider-google 8214)."""


class Apis(pulumi.ComponentResource):
    """The APIs, and after them the moment at which each has answered. They stay on when the stack goes: others of the
    project may use them.
    """

    def __init__(
        self, name: str, *, project: str, services: Sequence[str], identity: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        super().__init__("penstock:gcp:ApiSet", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        enabled = [
            projects.Service(
                f"{name}-{service.partition('.')[0]}", project=project, service=service, disable_on_destroy=False,
                opts=child,
            )
            for service in services
        ]  # fmt: skip
        after = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=enabled))
        AnsweringApis(f"{name}-answer", project=project, services=services, identity=identity, opts=after)
        self.register_outputs({})


class AnsweringApis(pulumi.CustomResource):
    """There when every API has answered several times in a row: the first answers after it was switched on differ."""

    def __init__(
        self, name: str, *, project: str, services: Sequence[str], identity: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        inputs = {
            "project": project, "services": list(services), "patienceS": PATIENCE_S, "identity": dict(identity),
        }  # fmt: skip
        super().__init__("penstock:gcp:Apis", name, inputs, opts)
