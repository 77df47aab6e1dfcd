"""Checks that only the project can answer, before anything is created: APIs, rights, quotas, machines, reservations."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from components.errors import PenstockError, Problem
from components.plan.images import Built, ImagePlan
from components.plan.stack import StackPlan
from providers.gcp.balancer.groups import missing_groups
from providers.gcp.balancer.plan import RIGHTS as FRONT_RIGHTS
from providers.gcp.control_plane.director.account import account_problems
from providers.gcp.control_plane.kubeconfig_plugin import INSTALL, PLUGIN
from providers.gcp.given_network import agent_problems, given_problems, way_problems
from providers.gcp.held_reservations import held_problems
from providers.gcp.images.questions import described, repository_of
from providers.gcp.organization import policy_problems
from providers.gcp.plan import GcpPlan
from providers.gcp.quota_use import family_problems, quota_problems
from providers.gcp.serving.plan import RIGHTS as ENDPOINT_RIGHTS
from providers.gcp.session import Google, GoogleError, credentials_at_hand, session
from providers.gcp.settings import GcpAccountSpec
from providers.gcp.types import GkePlan
from providers.gcp.versions import number

FIRST_SERVICES = ("serviceusage.googleapis.com", "cloudresourcemanager.googleapis.com", "iam.googleapis.com")
"""APIs without which no API can be switched on, by hand or by `up` (terraform-provider-google 16883)."""
RIGHTS = (
    "compute.disks.delete",
    "compute.disks.list",
    "compute.firewalls.create",
    "compute.firewalls.delete",
    "compute.networks.create",
    "container.clusterRoleBindings.create",
    "container.clusterRoles.bind",
    "container.clusters.connect",
    "container.clusters.create",
    "iam.serviceAccounts.actAs",
    "iam.serviceAccounts.create",
    "resourcemanager.projects.setIamPolicy",
    "serviceusage.services.enable",
)
"""Rights that `up` and `destroy` need and that roles/editor does not give all of."""
SLURM_RIGHTS = (
    "compute.firewalls.create",
    "compute.instances.create",
    "compute.networks.create",
    "hypercomputecluster.clusters.create",
    "hypercomputecluster.clusters.delete",
    "hypercomputecluster.clusters.update",
    "iam.serviceAccounts.actAs",
    "serviceusage.services.enable",
)
"""The same for Cluster Director; with the last but one its machines act as Compute Engine's default account."""
PART_RIGHTS = (
    "compute.resourcePolicies.create",
    "servicenetworking.services.addPeering",
    "lustre.instances.create",
    "file.instances.create",
    "storage.buckets.create",
)
"""Rights for what only some stacks make: a policy of placement, Private Service Access (roles/editor lacks it), Managed
Lustre, Filestore, a bucket."""
ROLES = (
    "roles/container.admin, roles/compute.networkAdmin, roles/compute.securityAdmin, roles/compute.storageAdmin, "
    "roles/iam.serviceAccountAdmin, roles/iam.serviceAccountUser, roles/resourcemanager.projectIamAdmin, "
    "roles/storage.admin, roles/serviceusage.serviceUsageAdmin, and for file systems roles/lustre.admin or "
    "roles/file.editor have them"
)
SLURM_ROLES = (
    "roles/hypercomputecluster.editor, roles/compute.networkAdmin, roles/compute.securityAdmin, "
    "roles/compute.instanceAdmin.v1, roles/iam.serviceAccountUser and roles/serviceusage.serviceUsageAdmin have them"
)
"""compute.networkAdmin may read firewall rules, and no more; nor does it list disks (Compute Engine, "IAM roles")."""


def preflight(plan: StackPlan) -> tuple[Problem, ...]:
    """Every obstacle in the project; none where no credentials are at hand, as then nothing can be known."""
    cluster = plan.cluster
    assert isinstance(cluster, GcpPlan)
    if not credentials_at_hand() and cluster.account == GcpAccountSpec():
        return ()
    try:
        google = session(**cluster.identity)
    except PenstockError as error:
        return (Problem(path="gcp.project", message=str(error)),)
    missing = _missing_programs() if isinstance(cluster.control_plane, GkePlan) else ()
    return (*missing, *look(cluster, google, plan.images))


def look(plan: GcpPlan, google: Google, images: tuple[ImagePlan, ...] = ()) -> tuple[Problem, ...]:
    """The obstacles that the project's own answers show. Where its first APIs are off, nothing else is asked."""
    if problems := tuple(_first_problems(plan, google)):
        return problems
    cluster = _cluster(plan, google)
    stands = bool(cluster)
    found: list[Problem] = []
    for path, question in (
        ("gcp.project", lambda: _right_problems(plan, google)),
        ("gcp.controlPlane", lambda: account_problems(plan, google)),
        ("cluster.kubernetesVersion", lambda: _version_problems(plan, cluster)),
        ("cluster.nodePools", lambda: _machine_problems(plan, google)),
        ("cluster.nodePools", lambda: held_problems(plan.node_pools, google, stands=stands)),
        ("cluster.nodePools", lambda: _profile_problems(plan, google)),
        ("cluster.network.existing", lambda: given_problems(plan, google)),
        ("cluster.network.existing", lambda: way_problems(plan, google)),
        ("cluster.network.existing.project", lambda: agent_problems(plan, google)),
        ("gcp.project", lambda: policy_problems(plan, google)),
        ("cluster.nodePools", lambda: quota_problems(plan, google, stands=stands)),
        ("cluster.nodePools", lambda: family_problems(plan, google)),
        ("storage", lambda: _place_problems(plan, google)),
        ("gcp.globalBalancers", lambda: _group_problems(plan, google)),
        ("images", lambda: _image_problems(plan, google, images)),
    ):
        found += _told(path, question)
    return tuple(found)


def _told(path: str, question: Callable[[], Iterator[Problem]]) -> list[Problem]:
    """The problems; where Google does not answer, that, which stops nothing, as `up` says it too."""
    try:
        return list(question())
    except GoogleError as error:
        if _is_off(error):
            return []  # `up` switches it on
        message = f"could not be compared with the project ({error}); allow it to your credentials, or go on without"
        return [Problem(path=path, message=message, stops=False)]


def _missing_programs() -> Iterator[Problem]:
    if shutil.which(PLUGIN) is None:
        message = f"{PLUGIN} is not on PATH, and kubectl and penstock reach the cluster by it; {INSTALL}"
        yield Problem(path="gcp.controlPlane.reach", message=message)


def _first_problems(plan: GcpPlan, google: Google) -> Iterator[Problem]:
    command = f"`gcloud services enable {' '.join(FIRST_SERVICES)} --project={plan.project}`"
    try:
        google.get("resource_manager", f"projects/{plan.project}")
    except GoogleError as error:
        if _is_off(error):
            message = f"{plan.project!r}: {error}; run {command}"
        elif error.is_absent or error.is_denied:
            message = f"{plan.project!r} is not there, or not for your credentials ({error}); correct one of them"
        else:
            message = f"{plan.project!r} could not be asked ({error}); make Google Cloud reachable"
        yield Problem(path="gcp.project", message=message)
        return
    try:
        names = {"names": [f"projects/{plan.project}/services/{service}" for service in FIRST_SERVICES]}
        answer = google.get_many("service_usage", f"projects/{plan.project}/services:batchGet", names)
    except GoogleError as error:
        yield Problem(path="gcp.project", message=f"{error}; run {command}")
        return
    states = {one["config"]["name"]: one.get("state") for one in answer.get("services", ())}
    if off := [service for service in FIRST_SERVICES if states.get(service) != "ENABLED"]:
        message = f"{', '.join(off)}: off in {plan.project}, and no API can be switched on without; run {command}"
        yield Problem(path="gcp.project", message=message)


def _right_problems(plan: GcpPlan, google: Google) -> Iterator[Problem]:
    own, roles = (RIGHTS, ROLES) if isinstance(plan.control_plane, GkePlan) else (SLURM_RIGHTS, SLURM_ROLES)
    front = FRONT_RIGHTS if plan.front.balancers else ()
    parts = _rights_of_parts(plan) if isinstance(plan.control_plane, GkePlan) else ()
    needed = (*own, *(ENDPOINT_RIGHTS if plan.endpoints else ()), *front, *parts)
    asked = {"permissions": list(needed)}
    answer = google.post("resource_manager", f"projects/{plan.project}:testIamPermissions", asked)
    given = {*answer.get("permissions", ()), *_unneeded(plan)}
    if lacking := [right for right in needed if right not in given]:
        more = "; roles/aiplatform.user has the endpoints'" if {*lacking} & {*ENDPOINT_RIGHTS} else ""
        if {*lacking} & {*front}:
            more += "; roles/certificatemanager.owner and roles/compute.loadBalancerAdmin have the balancer's"
        message = f"your credentials lack {', '.join(lacking)} in {plan.project}; {roles}{more}"
        yield Problem(path="gcp.project", message=message)


def _rights_of_parts(plan: GcpPlan) -> Iterator[str]:
    """Those of PART_RIGHTS that the stack needs."""
    storage = plan.storage
    made = (
        any(pool.workload_policy for pool in plan.node_pools), plan.network.services_peering_cidr,
        storage.file_system, storage.shared_file_system, storage.object_store,
    )  # fmt: skip
    yield from (right for right, is_made in zip(PART_RIGHTS, made, strict=True) if is_made)


def _place_problems(plan: GcpPlan, google: Google) -> Iterator[Problem]:
    """Zones in which a file system is not offered. An API that is off is not asked: `up` switches it on."""
    lustre, shared = plan.storage.file_system, plan.storage.shared_file_system
    wanted = (
        ("lustre", "Managed Lustre", "fileSystem", lustre.zone if lustre else ""),
        ("filestore", "Filestore", "sharedFileSystem", shared.zone if shared else ""),
    )
    for service, title, key, zone in wanted:
        if not zone:
            continue
        try:
            places = google.pages(service, f"projects/{plan.project}/locations", "locations")
            there = sorted(str(one.get("locationId", "")) for one in places)
        except GoogleError as error:
            if _is_off(error):
                continue
            raise
        if there and zone not in there:
            near = [one for one in there if one.startswith(f"{plan.region}-")]
            message = f"{zone} has no {title}; the region has it in {', '.join(near) or 'no zone'}: take one of these"
            yield Problem(path=f"storage.{key}", message=message)


def _unneeded(plan: GcpPlan) -> Iterator[str]:
    """Rights without which this stack comes and goes: it makes a firewall rule for Managed Lustre alone, and removes
    those of GKE in a network of its own alone."""
    network = plan.network
    if network.existing is not None and not network.fabrics:
        yield "compute.networks.create"
    if network.existing is not None:
        yield "compute.firewalls.delete"
    opened = plan.front.group is not None and network.existing is None
    if not network.services_peering_cidr and not opened and not network.slurm:
        yield "compute.firewalls.create"


def _cluster(plan: GcpPlan, google: Google) -> Mapping[str, Any]:
    """The cluster that is there already; empty where there is none, or nobody says."""
    place = f"projects/{plan.project}/locations/{plan.region}/clusters/{plan.control_plane.name}"
    service = "container" if isinstance(plan.control_plane, GkePlan) else "hypercomputecluster"
    try:
        return google.get(service, place)
    except GoogleError:
        return {}


def _version_problems(plan: GcpPlan, cluster: Mapping[str, Any]) -> Iterator[Problem]:
    """GKE takes one minor up at a time, and a control plane none down (GKE, "Standard cluster upgrades")."""
    if not cluster or not isinstance(plan.control_plane, GkePlan):
        return
    there, asked = number(str(cluster["currentMasterVersion"]))[:2], number(plan.control_plane.version)[:2]
    if asked[1] - there[1] > 1:
        following = f"1.{there[1] + 1}"
        message = (
            f"the cluster is at 1.{there[1]}, and 1.{asked[1]} is asked; ask {following!r}, run `up`, then the next"
        )
        yield Problem(path="cluster.kubernetesVersion", message=message)


def _machine_problems(plan: GcpPlan, google: Google) -> Iterator[Problem]:
    """Machine types that their zones do not have."""
    for pool in (plan.own_pool, *plan.node_pools):
        try:
            google.get("compute", f"projects/{plan.project}/zones/{pool.zone}/machineTypes/{pool.machine.name}")
        except GoogleError as error:
            if not error.is_absent:
                raise
            ask = f"`gcloud compute machine-types list --filter=name={pool.machine.name} --project={plan.project}`"
            message = f"{pool.zone!r} has no {pool.machine.name}; {ask} tells which zones do"
            yield Problem(path=f"cluster.nodePools.{pool.name}.zone", message=message)


def _profile_problems(plan: GcpPlan, google: Google) -> Iterator[Problem]:
    for profile in dict.fromkeys(vpc.profile for vpc in plan.network.fabrics if vpc.profile):
        try:
            google.get("compute", f"projects/{plan.project}/global/networkProfiles/{profile}")
        except GoogleError as error:
            if not error.is_absent:
                raise
            message = f"there is no network profile {profile}, so the zone has no machines with RDMA; take another zone"
            yield Problem(path="cluster.nodePools", message=message)


def _group_problems(plan: GcpPlan, google: Google) -> Iterator[Problem]:
    """Groups of other stacks that are not there: a balancer cannot be made without them."""
    own = plan.front.group.path if plan.front.group else ""
    for balancer in plan.front.balancers:
        others = [one.group for one in balancer.behind if one.group != own]
        for group in missing_groups(google, others):
            message = (
                f"{group} is not there; run `up` for the stack whose output endpointGroup it is, with "
                "inference.route.loadBalancer endpointGroup, or correct the path"
            )
            yield Problem(path=f"gcp.globalBalancers.{balancer.key}.endpointGroups", message=message)


def _image_problems(plan: GcpPlan, google: Google, images: tuple[ImagePlan, ...]) -> Iterator[Problem]:
    """Images that nothing has put into the stack's own registry."""
    stack = plan.control_plane.name
    repository = repository_of(plan.project, plan.region, stack)
    for image in images:
        if image.is_the_stacks and described(google, repository, image) is None:
            does = "builds and pushes it" if isinstance(image.origin, Built) else "shows how to push it"
            message = f"{image.name!r} is not in the stack's registry; run `penstock images push {stack}`, which {does}"
            yield Problem(path=image.asked_at or "images", message=message)


def _is_off(error: GoogleError) -> bool:
    return error.reason in ("SERVICE_DISABLED", "accessNotConfigured") or "has not been used in project" in str(error)
