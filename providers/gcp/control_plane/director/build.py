"""Slurm by Cluster Director as Pulumi resources: one, and the right to the stack's bucket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_gcp import hypercomputecluster as director
from pulumi_gcp import storage as buckets

from providers.gcp.control_plane.director.types import DirectorPlan, NodeSetPlan, StorePlan
from providers.gcp.network.handle import GcpNetworkHandle
from providers.gcp.storage.handle import GcpStorageHandle
from providers.gcp.types import Capacity, GcpCalendar, GcpFlex, GcpNodePoolPlan, GcpReserved, GcpSpot

_NETWORK = "network"
_PATIENCE = pulumi.CustomTimeouts(create="2h", update="2h", delete="2h")
"""As the provider's own (magic-modules, hypercomputecluster/Cluster.yaml)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectorHandle:
    cluster: pulumi.Output[str]
    """`projects/P/locations/L/clusters/C`."""
    queues: tuple[str, ...]
    """Slurm's partitions, the default first."""
    login: pulumi.Output[str]
    """The command line that opens a shell on the first login node."""
    submit: pulumi.Output[str]
    """The command line that hands in the script run.sbatch."""


class Director(pulumi.ComponentResource):
    """A Slurm cluster in the stack's network, with the stack's stores, all of which outlive it."""

    handle: DirectorHandle

    def __init__(  # noqa: PLR0913 (what surrounds a cluster, by name)
        self, name: str, *, plan: DirectorPlan, network: GcpNetworkHandle, storage: GcpStorageHandle,
        labels: Mapping[str, str], after: Sequence[pulumi.Resource] = (), opts: pulumi.ResourceOptions | None = None,
    ) -> None:  # fmt: skip
        """`labels`: on every machine, which the provider's default labels miss."""
        super().__init__("penstock:gcp:Director", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        rights = _rights(name, storage, child) if storage.object_store else []
        waits = [*network.ready, *network.held, *storage.ready, *rights, *after]
        cluster = director.Cluster(
            name,
            cluster_id=plan.name,
            location=plan.region,
            network_resources=[_network(network)],
            storage_resources=[_store(store, storage) for store in plan.stores],
            compute_resources=[_compute(one, plan) for one in plan.node_sets],
            orchestrator=director.ClusterOrchestratorArgs(slurm=_slurm(plan, labels)),
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=waits, custom_timeouts=_PATIENCE, delete_before_replace=True
            ),
        )
        login = cluster.orchestrator.apply(_first_login)
        self.handle = DirectorHandle(
            cluster=cluster.name,
            queues=tuple(one.name for one in plan.partitions),
            login=login.apply(_shell),
            submit=login.apply(lambda machine: f'{_shell(machine)} --command="sbatch" < run.sbatch'),
        )
        self.register_outputs({"cluster": self.handle.cluster})


def _rights(name: str, storage: GcpStorageHandle, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """The stack's bucket for its machines, which act as Compute Engine's default account."""
    bucket = storage.object_store
    assert bucket is not None, "asked for with a bucket alone"
    account = bucket.project_number.apply("serviceAccount:{}-compute@developer.gserviceaccount.com".format)
    member = buckets.BucketIAMMember(
        f"{name}-objects", bucket=bucket.name, role="roles/storage.objectUser", member=account, opts=opts
    )
    return [member]


def _network(network: GcpNetworkHandle) -> director.ClusterNetworkResourceArgs:
    there = director.ClusterNetworkResourceConfigExistingNetworkArgs(
        network=network.network_id, subnetwork=network.subnet_id
    )
    return director.ClusterNetworkResourceArgs(
        id=_NETWORK, config=director.ClusterNetworkResourceConfigArgs(existing_network=there)
    )


def _store(store: StorePlan, storage: GcpStorageHandle) -> director.ClusterStorageResourceArgs:
    """By the names of what the stack makes itself: so the stack file says what a destroy keeps."""
    config: dict[str, Any] = {}
    if store.kind == "lustre" and storage.file_system:
        config["existing_lustre"] = director.ClusterStorageResourceConfigExistingLustreArgs(
            lustre=storage.file_system.id
        )
    elif store.kind == "filestore" and storage.shared_file_system:
        config["existing_filestore"] = director.ClusterStorageResourceConfigExistingFilestoreArgs(
            filestore=storage.shared_file_system.id
        )
    elif storage.object_store:
        config["existing_bucket"] = director.ClusterStorageResourceConfigExistingBucketArgs(
            bucket=storage.object_store.name
        )
    return director.ClusterStorageResourceArgs(
        id=store.name, config=director.ClusterStorageResourceConfigArgs(**config)
    )


def _compute(one: NodeSetPlan, plan: DirectorPlan) -> director.ClusterComputeResourceArgs:
    return director.ClusterComputeResourceArgs(
        id=one.name, config=director.ClusterComputeResourceConfigArgs(**_instances(one.pool, one.pool.capacity, plan))
    )


def _instances(pool: GcpNodePoolPlan, capacity: Capacity, plan: DirectorPlan) -> dict[str, Any]:
    """A reservation brings its machine type and its zone; it is named with the latter."""
    machine, zone = pool.machine.name, pool.zone
    match capacity:
        case GcpReserved(path=path) | GcpCalendar(path=path):
            _, project, _, reservation, *_ = path.split("/")
            named = f"projects/{project or plan.project}/zones/{zone}/reservations/{reservation}"
            reserved = director.ClusterComputeResourceConfigNewReservedInstancesArgs(reservation=named)
            return {"new_reserved_instances": reserved}
        case GcpFlex(max_run_s=seconds):
            flex = director.ClusterComputeResourceConfigNewFlexStartInstancesArgs(
                machine_type=machine, zone=zone, max_duration=f"{seconds}s"
            )
            return {"new_flex_start_instances": flex}
        case GcpSpot():
            spot = director.ClusterComputeResourceConfigNewSpotInstancesArgs(
                machine_type=machine, zone=zone, termination_action="DELETE"
            )
            return {"new_spot_instances": spot}
        case _:
            listed = director.ClusterComputeResourceConfigNewOnDemandInstancesArgs(machine_type=machine, zone=zone)
            return {"new_on_demand_instances": listed}


def _slurm(plan: DirectorPlan, labels: Mapping[str, str]) -> director.ClusterOrchestratorSlurmArgs:
    login = plan.login
    return director.ClusterOrchestratorSlurmArgs(
        login_nodes=director.ClusterOrchestratorSlurmLoginNodesArgs(
            count=str(login.node_count),
            machine_type=login.machine.name,
            zone=login.zone,
            enable_os_login=True,
            enable_public_ips=False,
            labels=dict(labels),
            boot_disk=director.ClusterOrchestratorSlurmLoginNodesBootDiskArgs(
                size_gb=str(login.boot_disk_gib), type=login.boot_disk
            ),
            storage_configs=[
                director.ClusterOrchestratorSlurmLoginNodesStorageConfigArgs(id=store.name, local_mount=store.path)
                for store in plan.stores
            ],
        ),
        node_sets=[_node_set(one, plan.stores, labels) for one in plan.node_sets],
        partitions=[
            director.ClusterOrchestratorSlurmPartitionArgs(id=one.name, node_set_ids=list(one.node_sets))
            for one in plan.partitions
        ],
        default_partition=plan.partitions[0].name,
    )


def _node_set(
    one: NodeSetPlan, stores: Sequence[StorePlan], labels: Mapping[str, str]
) -> director.ClusterOrchestratorSlurmNodeSetArgs:
    """Counts of none are left out, as the API tells none of them back."""
    pool = one.pool
    return director.ClusterOrchestratorSlurmNodeSetArgs(
        id=one.name,
        compute_id=one.name,
        static_node_count=str(one.static) if one.static else None,
        max_dynamic_node_count=str(one.dynamic) if one.dynamic else None,
        compute_instance=director.ClusterOrchestratorSlurmNodeSetComputeInstanceArgs(
            labels=dict(labels),
            boot_disk=director.ClusterOrchestratorSlurmNodeSetComputeInstanceBootDiskArgs(
                size_gb=str(pool.boot_disk_gib), type=pool.boot_disk
            ),
        ),
        storage_configs=[
            director.ClusterOrchestratorSlurmNodeSetStorageConfigArgs(id=store.name, local_mount=store.path)
            for store in stores
        ],
    )


def _first_login(orchestrator: Any) -> str:
    """`projects/P/zones/Z/instances/I`; empty where Cluster Director tells of none."""
    machines = orchestrator.slurm.login_nodes.instances if orchestrator and orchestrator.slurm else None
    return str(machines[0].instance) if machines else ""


def _shell(machine: str) -> str:
    if not machine:
        return ""
    _, project, _, zone, _, name = machine.split("/")
    return f"gcloud compute ssh {name} --project={project} --zone={zone} --tunnel-through-iap"
