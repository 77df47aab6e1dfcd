"""Questions to a registry of Azure Container Registry, which has logins of its own."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

from components.plan.images import ImagePlan
from components.registry import FoundImage
from providers.azure.images.address import address_of
from providers.azure.session import TIMEOUT_S, Azure, AzureError
from providers.azure.types import AksPlan

_REGISTRY_VARIABLE = "AZURE_CONTAINER_REGISTRY_ENDPOINT"
USER = "00000000-0000-0000-0000-000000000000"
"""Name under which a registry takes a token of its own (Container Registry, "Authenticate with a service")."""


def registry_token(azure: Azure, plan: AksPlan) -> str:
    """The registry's own token for what the identity may do there; empty where there is no such registry."""
    host = address_of(plan.registry)
    form = {"grant_type": "access_token", "service": host, "access_token": azure.token()}
    if plan.tenant:
        form["tenant"] = plan.tenant
    answer = _asked("POST", f"{_base(host)}/oauth2/exchange", data=form)
    return str(answer.get("refresh_token", "")) if answer else ""


def found_at(registry: str, image: ImagePlan, token: str) -> FoundImage | None:
    """The image with that tag or digest; None where it, or the registry, is not there."""
    if not token:
        return None
    host = address_of(registry)
    scope = f"repository:{image.repository}:metadata_read,pull"
    form = {"grant_type": "refresh_token", "service": host, "scope": scope, "refresh_token": token}
    granted = _asked("POST", f"{_base(host)}/oauth2/token", data=form)
    if not granted:
        return None
    headers = {"Authorization": f"Bearer {granted.get('access_token', '')}"}
    place = f"{_base(host)}/acr/v1/{image.repository}"
    digest = image.digest
    if not digest:
        tag = _asked("GET", f"{place}/_tags/{image.tag}", headers=headers)
        if not tag:
            return None
        digest = str(tag["tag"]["digest"])
    found = _asked("GET", f"{place}/_manifests/{digest}", headers=headers)
    if not found:
        return None
    about = found["manifest"]
    made = str(about.get("createdTime", "1970-01-01T00:00:00Z"))
    return FoundImage(
        digest=digest,
        size_bytes=int(about.get("imageSize", 0)),
        pushed_at=datetime.fromisoformat(_to_microseconds(made)),
    )


def _base(host: str) -> str:
    """The registry's own address; below another one where the environment has that for all registries."""
    other = os.environ.get(_REGISTRY_VARIABLE, "").rstrip("/")
    return f"{other}/{host}" if other else f"https://{host}"


def _to_microseconds(text: str) -> str:
    """A registry tells time to seven digits, and Python reads six."""
    whole, _, rest = text.removesuffix("Z").partition(".")
    return f"{whole}.{(rest + '000000')[:6]}+00:00"


def _asked(method: str, url: str, **more: Any) -> dict[str, Any] | None:
    """The answer; None for what is not there: a name without an address is a registry that nobody has made."""
    import httpx

    try:
        answer = httpx.request(method, url, timeout=TIMEOUT_S, **more)
    except httpx.ConnectError:
        return None
    except httpx.HTTPError as error:
        raise AzureError(0, "", f"{url} cannot be asked ({error})") from None
    if answer.status_code == 404:
        return None
    if answer.status_code >= 400:
        raise AzureError(answer.status_code, "", f"{url} answers {answer.status_code}: {answer.text[:300]}")
    found = answer.json()
    return found if isinstance(found, dict) else None
