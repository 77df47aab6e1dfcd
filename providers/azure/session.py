"""Requests of penstock's own to Azure, with the identity that Pulumi's provider of Azure takes from the environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from components.errors import PenstockError

TIMEOUT_S = 60.0
_STEP_S = 5.0
_ARM, _LOGIN = "https://management.azure.com", "https://login.microsoftonline.com"
_ARM_VARIABLE, _LOGIN_VARIABLE = "AZURE_RESOURCE_MANAGER_ENDPOINT", "AZURE_AUTHORITY_HOST"
"""Variables with other addresses, as Azure's own libraries take them."""
_EARLY_S = 300.0
"""Before the end of a token at which another one is asked for: it lives for an hour or a little more."""
_PENDING = ("Accepted", "Creating", "Deleting", "InProgress", "Running", "Updating", "Scaling", "Upgrading")
_BUSY_S = 20.0


class AzureError(Exception):
    """A refusal, in Azure's own words."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code

    @property
    def is_absent(self) -> bool:
        return self.status == 404

    @property
    def is_denied(self) -> bool:
        return self.status in (401, 403)

    @property
    def is_busy(self) -> bool:
        """True where another operation is under way, or too much was asked."""
        return self.status in (409, 429)


class Azure:
    """Azure Resource Manager under one identity. AzureError for each refusal."""

    def __init__(self, token: Callable[[], str]) -> None:
        import httpx

        self._token, self._client = token, httpx.Client(timeout=TIMEOUT_S)

    def token(self) -> str:
        """A token of the identity for Resource Manager; AzureError where it gets none."""
        return self._token()

    def get(self, path: str, version: str, **query: str) -> dict[str, Any]:
        return self._ask("GET", path, version, query=query)

    def put(self, path: str, version: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._ask("PUT", path, version, body=body)

    def post(self, path: str, version: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return self._ask("POST", path, version, body=body)

    def pages(self, path: str, version: str, **query: str) -> Iterator[dict[str, Any]]:
        """Every item of a list."""
        page = self.get(path, version, **query)
        while True:
            yield from page.get("value", ())
            following = page.get("nextLink")
            if not following:
                return
            page = self._ask("GET", str(following), "")

    def await_state(
        self, path: str, version: str, patience_s: float, *, failed_too: bool = False
    ) -> dict[str, Any]:  # fmt: skip
        """The resource when nothing of it is under way any more; AzureError where that failed, unless `failed_too`,
        PenstockError where it takes longer.
        """
        until = time.monotonic() + patience_s
        while True:
            found = self.get(path, version)
            state = str(found.get("properties", {}).get("provisioningState", "Succeeded"))
            if state not in _PENDING:
                if state == "Failed" and not failed_too:
                    raise AzureError(0, state, failure_of(found) or f"{path} is in the state Failed")
                return found
            if time.monotonic() >= until:
                raise PenstockError(f"{path} is not done after {patience_s:.0f} s; it is in the state {state}")
            time.sleep(_STEP_S)

    def put_when_free(self, path: str, version: str, body: Mapping[str, Any], patience_s: float) -> dict[str, Any]:
        """A PUT that is repeated while another operation of the cluster is under way: AKS has one at a time."""
        until = time.monotonic() + patience_s
        while True:
            try:
                return self.put(path, version, body)
            except AzureError as error:
                if not error.is_busy or time.monotonic() >= until:
                    raise
            time.sleep(_BUSY_S)

    def _ask(
        self, method: str, path: str, version: str, *, body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        import httpx

        url = path if path.startswith("https://") else base() + path
        asked = {**(query or {}), **({"api-version": version} if version else {})}
        headers = {"Authorization": f"Bearer {self._token()}"}
        try:
            answer = self._client.request(method, url, json=body, params=asked or None, headers=headers)
        except httpx.HTTPError as error:
            raise AzureError(0, "", f"{url} cannot be asked ({error})") from None
        if answer.status_code >= 400:
            raise _refusal(answer.status_code, answer.text)
        return _json(answer.text)


def base() -> str:
    """Address of Resource Manager, without a slash at its end."""
    return os.environ.get(_ARM_VARIABLE, _ARM).rstrip("/")


def failure_of(found: Mapping[str, Any]) -> str:
    """Azure's own words about what is in the state Failed; empty where it has none."""
    error = found.get("properties", {}).get("status", {}).get("provisioningError", {})
    return str(error.get("message", "")) if isinstance(error, Mapping) else ""


def credentials_at_hand() -> bool:
    """True if the environment or the folder of Azure's command line names any. A machine's own identity is not asked
    for: that takes seconds where there is none.
    """
    if os.environ.get("ARM_CLIENT_ID") or os.environ.get("ARM_USE_OIDC") or os.environ.get("ARM_USE_MSI"):
        return True
    folder = os.environ.get("AZURE_CONFIG_DIR") or "~/.azure"
    return (Path(folder).expanduser() / "azureProfile.json").is_file() and shutil.which("az") is not None


def session() -> Azure:
    """Resource Manager with the environment's identity; PenstockError where there is none."""
    if not credentials_at_hand():
        raise PenstockError(
            "no credentials of Azure are at hand; run `az login`, or set ARM_CLIENT_ID and what it needs"
        )
    return Azure(_Cached(partial(_token, f"{_ARM}/")))


class _Cached:
    """A token for as long as it is good."""

    def __init__(self, ask: Callable[[], tuple[str, float]]) -> None:
        self._ask, self._known, self._until = ask, "", 0.0

    def __call__(self) -> str:
        if time.time() >= self._until - _EARLY_S:
            self._known, self._until = self._ask()
        return self._known


def _token(resource: str) -> tuple[str, float]:
    """A token and its end, by the way that the environment names, in the order of Pulumi's provider."""
    if os.environ.get("ARM_USE_OIDC", "").lower() == "true":
        return _by_assertion(resource, _assertion())
    if os.environ.get("ARM_CLIENT_SECRET"):
        return _granted(resource, {"client_secret": os.environ["ARM_CLIENT_SECRET"]})
    if os.environ.get("ARM_USE_MSI", "").lower() == "true":
        return _of_machine(resource)
    return _of_command_line(resource)


def _assertion() -> str:
    """A new one each time where the place of work mints them: it is good for five minutes (Azure/login 180)."""
    import httpx

    url, bearer = os.environ.get("ACTIONS_ID_TOKEN_REQUEST_URL"), os.environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    if url and bearer:
        headers = {"Authorization": f"Bearer {bearer}"}
        try:
            answer = httpx.get(f"{url}&audience=api://AzureADTokenExchange", headers=headers, timeout=TIMEOUT_S)
        except httpx.HTTPError as error:
            raise AzureError(0, "", f"no assertion was to be had ({error})") from None
        return str(_json(answer.text).get("value", ""))
    file = os.environ.get("ARM_OIDC_TOKEN_FILE_PATH") or os.environ.get("AZURE_FEDERATED_TOKEN_FILE")
    return Path(file).read_text().strip() if file else os.environ.get("ARM_OIDC_TOKEN", "")


def _by_assertion(resource: str, assertion: str) -> tuple[str, float]:
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    return _granted(resource, {"client_assertion": assertion, "client_assertion_type": kind})


def _granted(resource: str, proof: Mapping[str, str]) -> tuple[str, float]:
    import httpx

    host = os.environ.get(_LOGIN_VARIABLE, _LOGIN).rstrip("/")
    url = f"{host}/{os.environ.get('ARM_TENANT_ID', '')}/oauth2/v2.0/token"
    asked = {
        "grant_type": "client_credentials", "client_id": os.environ.get("ARM_CLIENT_ID", ""),
        "scope": f"{resource}.default", **proof,
    }  # fmt: skip
    try:
        answer = httpx.post(url, data=asked, timeout=TIMEOUT_S)
    except httpx.HTTPError as error:
        raise AzureError(0, "", f"{host} cannot be asked ({error})") from None
    return _told(_json(answer.text), answer.status_code)


def _of_machine(resource: str) -> tuple[str, float]:
    import httpx

    url = "http://169.254.169.254/metadata/identity/oauth2/token"
    asked = {"api-version": "2018-02-01", "resource": resource}
    if os.environ.get("ARM_CLIENT_ID"):
        asked["client_id"] = os.environ["ARM_CLIENT_ID"]
    try:
        answer = httpx.get(url, params=asked, headers={"Metadata": "true"}, timeout=TIMEOUT_S)
    except httpx.HTTPError as error:
        raise AzureError(0, "", f"the machine's identity cannot be asked for ({error})") from None
    return _told(_json(answer.text), answer.status_code)


def _told(answer: Mapping[str, Any], status: int) -> tuple[str, float]:
    if "access_token" not in answer:
        told = answer.get("error_description") or answer.get("error") or f"status {status}"
        raise AzureError(
            401, str(answer.get("error", "")), f"{told}; run `az login`, or correct ARM_CLIENT_ID and ARM_TENANT_ID"
        )
    return str(answer["access_token"]), time.time() + float(answer.get("expires_in", 3600))


def _of_command_line(resource: str) -> tuple[str, float]:
    command = ["az", "account", "get-access-token", "--resource", resource, "--output", "json"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    if run.returncode:
        told = run.stderr.strip().splitlines()[-1:] or ["it says nothing"]
        raise AzureError(401, "", f"az gives no token ({told[0]}); run `az login`")
    answer = _json(run.stdout)
    return str(answer["accessToken"]), float(answer.get("expires_on") or time.time() + 3000)


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {"value": found}


def _refusal(status: int, text: str) -> AzureError:
    error = _json(text).get("error")
    if not isinstance(error, Mapping):
        found = _json(text)
        return AzureError(status, str(found.get("code", "")), str(found.get("message") or text[:500]))
    return AzureError(status, str(error.get("code", "")), str(error.get("message", text[:500])))
