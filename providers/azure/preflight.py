"""Checks that only the subscription can answer, before anything is created: features, rights, machines, quotas."""

import shutil
from collections.abc import Callable, Iterator

from components.errors import PenstockError, Problem
from components.plan.images import Built, ImagePlan
from components.plan.stack import StackPlan
from providers.azure.api_versions import CONTAINER_SERVICE, FEATURES, PERMISSIONS, RESOURCES
from providers.azure.catalog import Partition
from providers.azure.control_plane.kubelogin import INSTALL, PLUGIN
from providers.azure.given_network import given_problems
from providers.azure.images.questions import found_at, registry_token
from providers.azure.plan import AzurePlan
from providers.azure.quota_use import quota_problems
from providers.azure.session import Azure, AzureError, credentials_at_hand, session
from providers.azure.sku_offers import offer_problems
from providers.azure.types import EntraAccess
from providers.azure.versions import number

FEATURE = "AKSInfinibandSupport"
WRITES = ("Microsoft.Authorization/roleAssignments/write", "Microsoft.ContainerService/managedClusters/write")
"""Rights that `up` needs: Contributor has not the first of them."""


def preflight(plan: StackPlan) -> tuple[Problem, ...]:
    """Every obstacle in the subscription; none where no credentials are at hand, as then nothing can be known."""
    cluster = plan.cluster
    assert isinstance(cluster, AzurePlan)
    if not credentials_at_hand():
        return ()
    try:
        azure = session()
    except PenstockError as error:
        return (Problem(path="azure.subscription", message=str(error)),)
    return (*_missing_programs(cluster), *look(cluster, azure, plan.images))


def look(plan: AzurePlan, azure: Azure, images: tuple[ImagePlan, ...] = ()) -> tuple[Problem, ...]:
    """The obstacles that the subscription's own answers show. Where it does not answer, nothing else is asked."""
    try:
        azure.get(f"/subscriptions/{plan.subscription}", RESOURCES)
    except AzureError as error:
        what = "is not there, or not for your credentials" if error.is_absent or error.is_denied else "cannot be asked"
        message = f"{plan.subscription!r} {what} ({error}); correct it, or log in as somebody who may"
        return (Problem(path="azure.subscription", message=message),)
    found: list[Problem] = []
    for path, question in (
        ("azure.subscription", lambda: _provider_problems(plan, azure)),
        ("cluster.nodePools", lambda: _feature_problems(plan, azure)),
        ("azure.subscription", lambda: _right_problems(plan, azure)),
        ("cluster.kubernetesVersion", lambda: _version_problems(plan, azure)),
        ("cluster.nodePools", lambda: offer_problems(plan, azure)),
        ("cluster.nodePools", lambda: quota_problems(plan, azure, stands=_stands(plan, azure))),
        ("cluster.network.existing", lambda: given_problems(plan, azure)),
        ("images", lambda: _image_problems(plan, azure, images)),
    ):
        found += _told(path, question)
    return tuple(found)


def _told(path: str, question: Callable[[], Iterator[Problem]]) -> list[Problem]:
    """The problems; where Azure does not answer, that, which stops nothing, as `up` says it too."""
    try:
        return list(question())
    except AzureError as error:
        message = (
            f"could not be compared with the subscription ({error}); allow it to your credentials, or go on without"
        )
        return [Problem(path=path, message=message, stops=False)]


def _missing_programs(plan: AzurePlan) -> Iterator[Problem]:
    if isinstance(plan.control_plane.access, EntraAccess) and shutil.which(PLUGIN) is None:
        message = f"{PLUGIN} is not on PATH, and kubectl and penstock reach the cluster by it; {INSTALL}"
        yield Problem(path="azure.controlPlane.access.entra", message=message)


def _provider_problems(plan: AzurePlan, azure: Azure) -> Iterator[Problem]:
    """The engine's provider registers none, unlike az and Terraform's, so that guides say nothing of it."""
    listed = azure.pages(f"/subscriptions/{plan.subscription}/providers", RESOURCES)
    states = {str(one["namespace"]).lower(): one.get("registrationState") for one in listed}
    missing = [name for name in plan.providers if states.get(name.lower()) != "Registered"]
    if missing:
        commands = "; ".join(f"az provider register --subscription {plan.subscription} -n {name}" for name in missing)
        message = f"{', '.join(missing)}: not registered in the subscription, so that nothing of them is made; run "
        message += f"`{commands}`"
        yield Problem(path="azure.subscription", message=message)


def _feature_problems(plan: AzurePlan, azure: Azure) -> Iterator[Problem]:
    """The feature is the subscription's; a pool that is made in its wrong state keeps a fabric in pieces for life."""
    wanted = {pool.machine.partition for pool in plan.node_pools} - {Partition.NONE}
    if not wanted:
        return
    place = f"/subscriptions/{plan.subscription}/providers/Microsoft.Features/providers/Microsoft.ContainerService"
    state = str(azure.get(f"{place}/features/{FEATURE}", FEATURES).get("properties", {}).get("state", "NotRegistered"))
    scope = f"--subscription {plan.subscription} --namespace Microsoft.ContainerService --name {FEATURE}"
    if Partition.REGISTERED in wanted and state != "Registered":
        wait = "wait until it is Registered" if state == "Registering" else f"run `az feature register {scope}`, wait"
        message = (
            f"{FEATURE} is {state}, and pools with InfiniBand made now have their nodes on several fabrics; {wait}, "
        )
        message += "and then run `az provider register -n Microsoft.ContainerService`"
        yield Problem(path="cluster.nodePools", message=message)
    if Partition.UNREGISTERED in wanted and state in ("Registered", "Registering", "Pending"):
        message = f"{FEATURE} is {state}, and GB200 and GB300 want it unregistered; take another subscription, or run "
        message += f"`az feature unregister {scope}` where no other cluster needs it"
        yield Problem(path="cluster.nodePools", message=message)


def _right_problems(plan: AzurePlan, azure: Azure) -> Iterator[Problem]:
    place = f"/subscriptions/{plan.subscription}/providers/Microsoft.Authorization/permissions"
    given = list(azure.pages(place, PERMISSIONS))
    if lacking := [right for right in WRITES if not any(_allows(one, right) for one in given)]:
        message = (
            f"your credentials lack {', '.join(lacking)} in the subscription; Owner has all of them, as have "
            "Contributor and Role Based Access Control Administrator together"
        )
        yield Problem(path="azure.subscription", message=message)


def _allows(permission: dict[str, list[str]], right: str) -> bool:
    """True if one of the actions covers the right, and none that is taken away does."""
    return any(_covers(one, right) for one in permission.get("actions", ())) and not any(
        _covers(one, right) for one in permission.get("notActions", ())
    )


def _covers(pattern: str, right: str) -> bool:
    """Wildcards stand for any part, as in `Microsoft.Authorization/*/Write`."""
    from fnmatch import fnmatch

    return fnmatch(right.lower(), pattern.lower())


def _cluster(plan: AzurePlan, azure: Azure) -> dict[str, object]:
    """The cluster that is there already; empty where there is none, or nobody says."""
    place = f"/subscriptions/{plan.subscription}/resourceGroups/{plan.control_plane.group}"
    name = plan.control_plane.name
    try:
        return azure.get(f"{place}/providers/Microsoft.ContainerService/managedClusters/{name}", CONTAINER_SERVICE)
    except AzureError:
        return {}


def _stands(plan: AzurePlan, azure: Azure) -> bool:
    return bool(_cluster(plan, azure))


def _version_problems(plan: AzurePlan, azure: Azure) -> Iterator[Problem]:
    """AKS takes one minor up at a time, and none down ("Upgrade options for AKS clusters")."""
    found = _cluster(plan, azure)
    properties = found.get("properties") if found else None
    if not isinstance(properties, dict):
        return
    there = number(str(properties.get("currentKubernetesVersion") or properties["kubernetesVersion"]))[:2]
    asked = number(plan.control_plane.version)[:2]
    path = "cluster.kubernetesVersion"
    if asked < there:
        message = (
            f"the cluster is at {there[0]}.{there[1]}, and no cluster goes back; write {f'{there[0]}.{there[1]}'!r}"
        )
        yield Problem(path=path, message=message)
    elif asked[1] - there[1] > 1:
        following = f"{there[0]}.{there[1] + 1}"
        message = f"the cluster is at {there[0]}.{there[1]}; ask {following!r}, run `up`, then the next"
        yield Problem(path=path, message=message)


def _image_problems(plan: AzurePlan, azure: Azure, images: tuple[ImagePlan, ...]) -> Iterator[Problem]:
    """Images that nothing has put into the stack's own registry."""
    control = plan.control_plane
    asked = [image for image in images if image.is_the_stacks]
    if not asked:
        return
    token = registry_token(azure, control)
    for image in asked:
        if found_at(control.registry, image, token) is None:
            does = "builds and pushes it" if isinstance(image.origin, Built) else "shows how to push it"
            command = f"`penstock images push {control.name}`"
            message = f"{image.name!r} is not in the stack's registry; run {command}, which {does}"
            yield Problem(path=image.asked_at or "images", message=message)
