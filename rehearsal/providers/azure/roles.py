"""Rights in a simulated subscription: what a principal may do somewhere, by the roles that were assigned to it."""

from collections.abc import Collection, Iterator

from engine.provider.values import is_unknown
from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import CloudApi
from rehearsal.providers.azure.lasting import SPREAD_MIN
from rehearsal.providers.azure.names import CONTRIBUTOR, IDENTITY, OWNER, ROLE, last


def lacking(
    api: CloudApi, identity: str, scope: str, roles: Collection[str], action: str
) -> Iterator[CloudApiError]:  # fmt: skip
    """The service's refusal where the identity, by its id, has none of the roles on the scope; Owner and Contributor
    let it do everything but give rights. A role that was given a moment ago does not count yet.
    """
    found = api.find(IDENTITY, identity)
    if found is None or is_unknown(scope):
        return  # a preview, which knows of nothing, or what stood there before with rights of its own
    principal = str(found.get("principalId"))
    if any(_counts(api, str(one["id"])) for one in assigned(api, principal, scope, roles)):
        return
    yield CloudApiError(
        "AuthorizationFailed",
        f"The client '{found.get('clientId')}' with object id '{principal}' does not have authorization to perform "
        f"action '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please "
        "refresh your credentials.",
    )


def assigned(api: CloudApi, principal: str, scope: str, roles: Collection[str]) -> Iterator[dict[str, object]]:
    """Assignments of one of the roles to the principal, on the scope or on what it lies in."""
    enough = {*roles, OWNER, CONTRIBUTOR}
    for one in api.listed(ROLE):
        given, role = str(one.get("scope")), last(one.get("roleDefinitionId"))
        covers = scope == given or scope.startswith(f"{given.rstrip('/')}/")
        if one.get("principalId") == principal and covers and role in enough:
            yield dict(one)


def _counts(api: CloudApi, assignment: str) -> bool:
    age = api.age_min(ROLE, assignment)
    return age is not None and age >= SPREAD_MIN
