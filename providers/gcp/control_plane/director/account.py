"""Questions about Compute Engine's default account, as which machines of Cluster Director act."""

from collections.abc import Iterator

from components.errors import Problem
from providers.gcp.control_plane.director.plan import ROLES
from providers.gcp.control_plane.director.types import DirectorPlan
from providers.gcp.plan import GcpPlan
from providers.gcp.session import Google

_ALL = ("roles/editor", "roles/owner")
"""Basic roles that have all of them: projects of before 2024 gave the account the first."""


def account_problems(plan: GcpPlan, google: Google) -> Iterator[Problem]:
    """Roles that are not seen: organizations of today give the account none (constraint
    iam.automaticIamGrantsForDefaultServiceAccounts). They may come from a folder, so that nothing stops.
    """
    if not isinstance(plan.control_plane, DirectorPlan):
        return
    number = google.get("resource_manager", f"projects/{plan.project}").get("projectNumber", "")
    account = f"serviceAccount:{number}-compute@developer.gserviceaccount.com"
    policy = google.post("resource_manager", f"projects/{plan.project}:getIamPolicy", {})
    given = {one.get("role") for one in policy.get("bindings", ()) if account in one.get("members", ())}
    missing = [role for role in ROLES if role not in given and not given & set(_ALL)]
    if missing:
        command = f"`gcloud projects add-iam-policy-binding {plan.project} --member={account} --role=ROLE`"
        message = f"{account.partition(':')[2]} has no {', '.join(missing)} in {plan.project}, as far as is seen, and "
        message += f"machines of Cluster Director act as it; run {command} for each, or go on where a folder gives them"
        yield Problem(path="gcp.controlPlane", message=message, stops=False)
