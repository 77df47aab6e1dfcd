"""Requests of penstock's own to Google Cloud, with the identity of the stack file's `gcp:` keys."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from components.errors import PenstockError

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TIMEOUT_S = 60.0
_STEP_S = 2.0
_CUSTOM = "GOOGLE_{}_CUSTOM_ENDPOINT"
"""Variable with another address of a service, as Pulumi's provider of Google Cloud takes it."""
_BASES = {
    "compute": "https://compute.googleapis.com/compute/v1/",
    "container": "https://container.googleapis.com/v1/",
    "hypercomputecluster": "https://hypercomputecluster.googleapis.com/v1/",
    "service_usage": "https://serviceusage.googleapis.com/v1/",
    "resource_manager": "https://cloudresourcemanager.googleapis.com/v1/",
    "artifact_registry": "https://artifactregistry.googleapis.com/v1/",
    "storage": "https://storage.googleapis.com/storage/v1/",
    "filestore": "https://file.googleapis.com/v1/",
    "vertex_ai": "https://aiplatform.googleapis.com/v1/",
    "lustre": "https://lustre.googleapis.com/v1/",
    "service_networking": "https://servicenetworking.googleapis.com/v1/",
    "logging": "https://logging.googleapis.com/v2/",
    "monitoring": "https://monitoring.googleapis.com/v3/",
    "cloud_quotas": "https://cloudquotas.googleapis.com/v1/",
    "iam_credentials": "https://iamcredentials.googleapis.com/v1/",
}


class GoogleError(Exception):
    """A refusal, in Google's own words."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason = status, reason

    @property
    def is_absent(self) -> bool:
        return self.status == 404

    @property
    def is_denied(self) -> bool:
        return self.status in (401, 403)


class Google:
    """Google's APIs under one identity. GoogleError for each refusal."""

    def __init__(self, token: Callable[[], str], billing_project: str = "") -> None:
        import httpx

        self._token, self._client = token, httpx.Client(timeout=TIMEOUT_S)
        self._headers = {"x-goog-user-project": billing_project} if billing_project else {}

    def token(self) -> str:
        """A token of the identity, valid for an hour at most; GoogleError where it gets none."""
        return self._token()

    def get(self, service: str, path: str, **query: str) -> dict[str, Any]:
        return self._ask("GET", service, path, query=query)

    def get_many(self, service: str, path: str, query: Mapping[str, list[str]]) -> dict[str, Any]:
        """With parameters that are given several times."""
        return self._ask("GET", service, path, query=query)

    def post(self, service: str, path: str, body: Mapping[str, Any], **query: str) -> dict[str, Any]:
        return self._ask("POST", service, path, body=body, query=query)

    def delete(self, service: str, path: str) -> dict[str, Any]:
        return self._ask("DELETE", service, path)

    def pages(self, service: str, path: str, key: str, **query: str) -> Iterator[dict[str, Any]]:
        """Every item of a list, of a list of scopes those of each."""
        token = ""
        while True:
            page = self.get(service, path, **query, **({"pageToken": token} if token else {}))
            found = page.get(key, [])
            for scope in found.values() if isinstance(found, dict) else ():
                yield from next((items for items in scope.values() if isinstance(items, list)), ())
            yield from found if isinstance(found, list) else ()
            token = page.get("nextPageToken", "")
            if not token:
                return

    def await_operation(self, service: str, path: str, patience_s: float) -> None:
        """Returns when the operation at that path is done; GoogleError where it failed, PenstockError where it takes
        longer."""
        until = time.monotonic() + patience_s
        while True:
            found = self.get(service, path)
            if found.get("status") == "DONE" or found.get("done"):
                error = found.get("error")
                if error:
                    first = next(iter(error.get("errors", ())), error)
                    raise GoogleError(0, str(first.get("code", "")), str(first.get("message", error)))
                return
            if time.monotonic() >= until:
                raise PenstockError(f"{path} is not done after {patience_s:.0f} s")
            time.sleep(_STEP_S)

    def _ask(
        self, method: str, service: str, path: str, *, body: Mapping[str, Any] | None = None,
        query: Mapping[str, str | list[str]] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        import httpx

        url = base_of(service) + quote(path, safe="/:-_.~@%")
        headers = {**self._headers, "Authorization": f"Bearer {self._token()}"}
        try:
            answer = self._client.request(method, url, json=body, params=query, headers=headers)
        except httpx.HTTPError as error:
            raise GoogleError(0, "", f"{url} cannot be asked ({error})") from None
        if answer.status_code >= 400:
            raise _refusal(answer.status_code, answer.text, _json(answer))
        return _json(answer)


def base_of(service: str) -> str:
    """Address of a service, with a slash at its end."""
    return os.environ.get(_CUSTOM.format(service.upper()), "") or _BASES[service]


def credentials_at_hand() -> bool:
    """True if the environment or gcloud's folder names any. A machine's own account is not asked for: that takes
    seconds where there is none.
    """
    if os.environ.get("GOOGLE_OAUTH_ACCESS_TOKEN"):
        return True
    folder = os.environ.get("CLOUDSDK_CONFIG") or "~/.config/gcloud"
    file = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS") or f"{folder}/application_default_credentials.json"
    return Path(file).expanduser().is_file()


def session(*, impersonate: str = "", billing_project: str = "") -> Google:
    """Google's APIs as that service account; as the environment's own identity where it is empty. PenstockError without
    any."""
    given = os.environ.get("GOOGLE_OAUTH_ACCESS_TOKEN", "")
    if given and not impersonate:
        return Google(lambda: given, billing_project)
    import google.auth
    from google.auth.exceptions import GoogleAuthError

    try:
        credentials, _ = google.auth.default(scopes=[SCOPE])
    except GoogleAuthError as error:
        raise PenstockError(f"{str(error).rstrip('. ')}; run `gcloud auth application-default login`") from None
    if impersonate:
        from google.auth import impersonated_credentials

        credentials = impersonated_credentials.Credentials(
            source_credentials=credentials, target_principal=impersonate, target_scopes=[SCOPE]
        )
    return Google(lambda: _fresh(credentials), billing_project)


def _fresh(credentials: Any) -> str:
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import Request

    try:
        if not credentials.valid:
            credentials.refresh(Request())
    except GoogleAuthError as error:
        raise GoogleError(401, "", f"{str(error).rstrip('. ')}; run `gcloud auth application-default login`") from None
    return str(credentials.token)


def _json(answer: Any) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _refusal(status: int, text: str, answer: Mapping[str, Any]) -> GoogleError:
    error = answer.get("error")
    if not isinstance(error, Mapping):
        return GoogleError(status, "", text[:500])
    details = [one.get("reason", "") for one in error.get("details", ()) if isinstance(one, Mapping)]
    reason = next(filter(None, details), str(error.get("status", "")))
    return GoogleError(status, reason, str(error.get("message", text[:500])))
