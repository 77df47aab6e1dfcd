"""Identities and rights: APIs of the project, service accounts, members of roles."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.provider.values import is_unknown
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind, nothing_to_change
from rehearsal.providers.gcp.kinds.parts import Form, number, project_of
from rehearsal.providers.gcp.names import ACCOUNT, CLUSTER, MEMBER, SERVICE, last

ACCOUNT_MIN = 0.2
"""The provider waits for three answers since 2025-07 (magic-modules 14447)."""
_MEMBER = re.compile(
    r"(?:user|serviceAccount|group|domain|principal|principalSet|projectOwner|projectEditor|projectViewer):\S+"
    r"|allUsers|allAuthenticatedUsers"
)
_IN_POOL = re.compile(
    r"serviceAccount:(?P<project>[^.]+)\.svc\.id\.goog\[[^/\]]+/[^\]]+\]"
    r"|principal(?:Set)?://iam\.googleapis\.com/projects/(?P<number>[^/]+)/locations/global/workloadIdentityPools/"
    r"(?P<pool>[^/]+)\.svc\.id\.goog/\S+"
)
_ROLE = re.compile(r"(?:projects/[^/]+/|organizations/[^/]+/)?roles/[A-Za-z0-9_.]+")


def _create_service(api: CloudApi, inputs: Inputs) -> Made:
    project, service = project_of(api, inputs), inputs["service"]
    body: dict[str, Any] = {}
    api.keep("serviceusage", "services.enable", {}, name=f"projects/{project}/services/{service}", body=body)
    return Made(id=f"{project}/{service}", outputs={"project": project})


def _delete_service(api: CloudApi, id: str, outputs: Outputs) -> None:  # noqa: A002 (the engine's own word)
    if not outputs.get("disableOnDestroy", False):
        return
    project, _, service = id.partition("/")
    body = {"disableDependentServices": bool(outputs.get("disableDependentServices"))}
    api.keep("serviceusage", "services.disable", {}, name=f"projects/{project}/services/{service}", body=body)


_ACCOUNT_FORM = Form(unsent=frozenset({"accountId", "createIgnoreAlreadyExists", "disabled"}))


def _create_account(api: CloudApi, inputs: Inputs) -> Made:
    project, name = project_of(api, inputs), inputs["accountId"]
    if not is_unknown(name) and re.fullmatch(r"[a-z](?:[-a-z0-9]{4,28}[a-z0-9])", str(name)) is None:
        raise CloudApiError(
            "Error 400", f"Invalid account_id {name!r}: 6 to 30 lower case letters, digits and -, INVALID_ARGUMENT"
        )
    body = {"accountId": name, "serviceAccount": _ACCOUNT_FORM.body(inputs)}
    api.keep("iam", "projects.serviceAccounts.create", {}, name=f"projects/{project}", body=body)
    email = f"{name}@{project}.iam.gserviceaccount.com"
    full = f"projects/{project}/serviceAccounts/{email}"
    return Made(
        id=full,
        outputs={
            "email": email, "member": f"serviceAccount:{email}", "name": full, "project": project,
            "uniqueId": number(f"{email} {api.new_id('sa')}"),
        },
    )  # fmt: skip


def _update_account(api: CloudApi, id: str, _old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (the engine's own word)
    body = {"serviceAccount": _ACCOUNT_FORM.body(new), "updateMask": "display_name,description"}
    api.keep("iam", "projects.serviceAccounts.patch", {}, name=id, body=body)
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """A member of a role on something: the provider reads the policy, and sets it with one member more."""

    token: str
    service: str
    operation: str
    on: str
    """Input that names the thing; its type is `of`."""
    of: str = ""
    address: Callable[[CloudApi, Inputs], dict[str, str]]
    is_wrapped: bool = True
    """The policy is a member of the request."""

    def kind(self) -> ResourceKind:
        """The resource type. All of it is fixed."""
        return ResourceKind(
            token=self.token, create=self._create, delete=self._delete, refers={self.on: self.of} if self.of else {},
            ready_after_min=lambda _inputs: 0.2,
        )  # fmt: skip

    def _create(self, api: CloudApi, inputs: Inputs) -> Made:
        refuse_member(api, inputs)
        binding = {"role": inputs["role"], "members": [inputs["member"]], "condition": inputs.get("condition")}
        self._set(api, inputs, [binding])
        return Made(id="/".join(str(inputs.get(name)) for name in (self.on, "role", "member")), outputs={"etag": "BwX"})

    def _delete(self, api: CloudApi, _id: str, outputs: Outputs) -> None:
        self._set(api, outputs, [])

    def _set(self, api: CloudApi, inputs: Inputs, bindings: list[dict[str, Any]]) -> None:
        policy = {"bindings": bindings}
        body = {"policy": policy} if self.is_wrapped else policy
        api.keep(self.service, self.operation, {}, **self.address(api, inputs), body=body)


def refuse_member(api: CloudApi, inputs: Inputs) -> None:
    """Refuses (CloudApiError) a member or role of no form, and one of a workload pool that no cluster has made yet."""
    member, role = inputs["member"], inputs["role"]
    if not is_unknown(role) and _ROLE.fullmatch(str(role)) is None:
        raise CloudApiError("Error 400", f"Role {role} is not supported for this resource., badRequest")
    if is_unknown(member):
        return
    if _MEMBER.fullmatch(str(member)) is None:
        raise CloudApiError("Error 400", f"Invalid member {member}: it has no type, badRequest")
    found = _IN_POOL.fullmatch(str(member))
    if found is None:
        return
    if found["number"] and not found["number"].isdigit():
        # Only at run time does it show: 403 (Google Cloud, "Workload Identity Federation for GKE", principals).
        raise CloudApiError("Error 400", f"Invalid principal {member}: the project's number stands in it, badRequest")
    project = found["project"] or found["pool"]
    if api.age_min(CLUSTER, pool_of(project)) is None:
        raise CloudApiError(
            "Error 400",
            f"Identity Pool does not exist ({project}.svc.id.goog). Please check that you specified a valid resource "
            "name as returned in the `name` attribute in the configuration API., badRequest",
        )


def pool_of(project: str) -> str:
    """The workload pool, which the project's first cluster makes (terraform-google-modules/
    terraform-google-kubernetes-engine 916); a cluster goes by its name too.
    """
    return f"{project}.svc.id.goog"


MEMBERS = (
    Members(
        token=MEMBER, service="cloudresourcemanager", operation="projects.setIamPolicy",
        on="project", address=lambda api, inputs: {"resource": project_of(api, inputs)},
    ),
    Members(
        token="gcp:serviceaccount/iAMMember:IAMMember", service="iam",
        operation="projects.serviceAccounts.setIamPolicy", on="serviceAccountId", of=ACCOUNT,
        address=lambda _api, inputs: {"resource": inputs["serviceAccountId"]},
    ),
    Members(
        token="gcp:storage/bucketIAMMember:BucketIAMMember", service="storage", operation="buckets.setIamPolicy",
        on="bucket", of="gcp:storage/bucket:Bucket", is_wrapped=False,
        address=lambda _api, inputs: {"bucket": last(inputs["bucket"])},
    ),
    Members(
        token="gcp:artifactregistry/repositoryIamMember:RepositoryIamMember", service="artifactregistry",
        operation="projects.locations.repositories.setIamPolicy", on="repository",
        of="gcp:artifactregistry/repository:Repository",
        address=lambda api, inputs: {
            "resource": f"projects/{project_of(api, inputs)}/locations/{inputs.get('location') or api.region}/"
            f"repositories/{last(inputs['repository'])}"
        },
    ),
    Members(
        token="gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember", service="cloudkms",
        operation="projects.locations.keyRings.cryptoKeys.setIamPolicy", on="cryptoKeyId",
        of="gcp:kms/cryptoKey:CryptoKey", address=lambda _api, inputs: {"resource": inputs["cryptoKeyId"]},
    ),
)  # fmt: skip

KINDS = (
    ResourceKind(
        token=SERVICE, create=_create_service, delete=_delete_service, update=nothing_to_change,
        fixed=frozenset({"service", "project"}), ready_after_min=lambda _inputs: 0.3,
    ),
    ResourceKind(
        token=ACCOUNT, create=_create_account, update=_update_account,
        delete=lambda api, id_, _outputs: _delete_account(api, id_), fixed=frozenset({"accountId", "project"}),
        own_name="accountId", longest_name=30, ready_after_min=lambda _inputs: ACCOUNT_MIN,
    ),
    *(one.kind() for one in MEMBERS),
)  # fmt: skip


def _delete_account(api: CloudApi, id: str) -> None:  # noqa: A002 (the engine's own word)
    api.keep("iam", "projects.serviceAccounts.delete", {}, name=id)
