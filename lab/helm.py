"""Releases installed by the real helm, from charts that lie on this machine, on whatever API server it is led to."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from components.kubernetes.kubeconfig import Access
from engine.provider.errors import ProviderError
from lab.charts import complete
from lab.kubeconfig import write_kubeconfig
from lab.releases import ReleaseAsk, ReleaseState

SPARE_S = 60  # beyond helm's own timeout, before it is taken to hang
NOT_THERE = "not found"


class HelmReleases:
    """Installs by helm. `charts` are the folders by chart name; there is no network, so nothing else is known."""

    def __init__(self, helm: Path, charts: Mapping[str, Path], access: Access, home: Path) -> None:
        self._helm, self._charts, self._home = helm, charts, home
        self._kubeconfig = write_kubeconfig(access, home / "helm" / "kubeconfig")

    def check(self, ask: ReleaseAsk) -> tuple[str, ...]:
        if ask.chart in self._charts:
            return ()
        known = ", ".join(sorted(self._charts)) or "none"
        return (f"chart: {ask.chart!r} is not on this machine; there are: {known}",)

    def install(self, ask: ReleaseAsk) -> ReleaseState:
        if self.state(ask.name, ask.namespace):
            raise ProviderError(f"cannot re-use a name that is still in use: {ask.namespace}/{ask.name}")
        return self._put("install", ask)

    def upgrade(self, ask: ReleaseAsk) -> ReleaseState:
        return self._put("upgrade", ask)

    def uninstall(self, name: str, namespace: str, *, timeout_s: int) -> None:
        arguments = ("uninstall", name, "--namespace", namespace, "--wait", "--timeout", f"{timeout_s}s")
        done = self._run(*arguments, "--ignore-not-found", timeout_s=timeout_s)
        if done.returncode:
            raise ProviderError(f"helm uninstall {namespace}/{name}: {_last_error(done.stderr)}")

    def state(self, name: str, namespace: str) -> ReleaseState | None:
        done = self._run("status", name, "--namespace", namespace, "--output", "json")
        if done.returncode:
            if NOT_THERE in done.stderr:
                return None
            raise ProviderError(f"helm status {namespace}/{name}: {_last_error(done.stderr)}")
        return self._state_of(json.loads(done.stdout))

    def _put(self, verb: str, ask: ReleaseAsk) -> ReleaseState:
        """The release after helm's work; one that failed and stands has helm's last error in it."""
        if problems := self.check(ask):
            raise ProviderError("; ".join(problems))
        chart = complete(self._charts[ask.chart], self._home / "helm" / "charts")
        arguments = [verb, ask.name, str(chart), "--namespace", ask.namespace, "--values", "-"]
        arguments += ["--timeout", f"{ask.timeout_s}s", f"--wait={'watcher' if ask.wait else 'hookOnly'}"]
        arguments += ["--create-namespace"] * (ask.create_namespace and verb == "install")
        arguments += ["--wait-for-jobs"] * ask.wait_for_jobs + ["--skip-crds"] * ask.skip_crds
        arguments += ["--rollback-on-failure"] * ask.atomic
        done = self._run(*arguments, timeout_s=ask.timeout_s, values=ask.values)
        found = self.state(ask.name, ask.namespace)
        if done.returncode == 0 and found:
            return found
        reason = _last_error(done.stderr)
        if found is None or found.status == "deployed":
            raise ProviderError(f"helm {verb} {ask.namespace}/{ask.name}: {reason}")
        names = {name: getattr(found, name) for name in found.__slots__}
        return ReleaseState(**{**names, "reason": reason})

    def _state_of(self, content: Mapping[str, Any]) -> ReleaseState:
        chart = (content.get("chart") or {}).get("metadata") or {}
        resources: dict[str, list[str]] = {}
        for body in yaml.safe_load_all(content.get("manifest") or ""):
            if body:
                meta = body["metadata"]
                name = f"{meta['namespace']}/{meta['name']}" if meta.get("namespace") else meta["name"]
                resources.setdefault(f"{body['kind']}/{body['apiVersion']}", []).append(name)
        return ReleaseState(
            name=content["name"], namespace=content["namespace"], chart=str(chart.get("name", "")),
            version=str(chart.get("version", "")), app_version=str(chart.get("appVersion", "")),
            revision=int(content["version"]), status=content["info"]["status"],
            resources={kind: tuple(sorted(names)) for kind, names in resources.items()},
        )  # fmt: skip

    def _run(
        self, *arguments: str, timeout_s: int = SPARE_S, values: Mapping[str, Any] | None = None
    ) -> subprocess.CompletedProcess[str]:
        folder = self._home / "helm"
        env = {
            "PATH": os.environ.get("PATH", ""), "HOME": str(folder), "KUBECONFIG": str(self._kubeconfig),
            **{f"HELM_{name}_HOME": str(folder / name.lower()) for name in ("CACHE", "CONFIG", "DATA")},
        }  # fmt: skip
        try:
            return subprocess.run(
                [str(self._helm), *arguments], input=json.dumps(values or {}), capture_output=True, text=True, env=env,
                timeout=timeout_s + SPARE_S, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise ProviderError(f"helm {arguments[0]} did not end within {timeout_s + SPARE_S} s") from error


def _last_error(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return next(
        (line.removeprefix("Error: ") for line in reversed(lines) if line.startswith("Error:")), "\n".join(lines[-3:])
    )
