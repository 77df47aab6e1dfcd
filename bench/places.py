"""Engines that a preview is measured on: with a shipped stack, with its floor, and with an empty program."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml

from bench import replay
from bench.echo import echoing
from bench.registrations import Registration, recorded
from engine.cli import Engine, throwaway
from lab.kubeconfig import write_kubeconfig
from providers import load
from rehearsal.cloud.clock import Clock
from rehearsal.places.cloud import simulated
from rehearsal.places.kubernetes import simulated_kubernetes
from rehearsal.places.lab import shape_of
from rehearsal.places.lookup import EXISTING, rules_of
from stacks.config import read_path
from stacks.plan import plan_stack
from stacks.program import build

CHECKOUT = Path(__file__).parent.parent
KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{name: there, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: there, user: {token: simulated}}]
contexts: [{name: there, context: {cluster: there, user: there}}]
current-context: there
"""
"""The way to a cluster that nobody asks."""
PROVIDERS = ("aws", "kubernetes", "penstock")

Change = Callable[[Any], None]
"""Something else in a stack's `config`."""


def as_shipped(config: Any) -> None:
    """Nothing to change."""


def config_file(stack: str, folder: Path, change: Change = as_shipped) -> Path:
    """The shipped stack, changed, as a file of its own; a local one keeps its data in that folder."""
    content = yaml.safe_load((CHECKOUT / "stacks" / f"Pulumi.{stack}.yaml").read_text())
    config = content["config"]
    if config.get("penstock:cluster", {}).get("cloud", "local") == "local":
        config["penstock:storage"] = {"volume": {"path": str(folder / "volume")}}
    change(config)
    folder.mkdir(parents=True)
    file = folder / "stack.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


@contextmanager
def rehearsed(stack: str, folder: Path, change: Change = as_shipped) -> Iterator[Engine]:
    """The stack with penstock's program, rules and provider, beside the simulated place that its cloud asks for."""
    file = config_file(stack, folder, change)
    with ExitStack() as around:
        env: dict[str, str] = {}
        cloud = read_path(file).cluster.cloud
        if rules := rules_of(cloud):
            env = dict(around.enter_context(simulated(rules, file, folder, None, preview=True)).env)
        elif cloud == EXISTING:
            kubernetes, port = around.enter_context(simulated_kubernetes(folder, Clock(), None))
            shape = shape_of(read_path(file))
            for node in (*shape.process, *shape.kwok):
                kubernetes.add_nodes(node.name, 1, node.all_labels(), node.taints, node.allocatable)
            kubeconfig = write_kubeconfig(kubernetes.access, folder / "kubeconfig")
            env = {**kubernetes.env, "KUBECONFIG": str(kubeconfig), "PULUMI_DEBUG_PROVIDERS": f"kubernetes:{port}"}
        engine = around.enter_context(throwaway(CHECKOUT, config_file=file, env=env))
        engine.stack_init(stack).require_ok()
        yield engine


@contextmanager
def floor(stack: str, folder: Path, registrations: list[Registration]) -> Iterator[Engine]:
    """The same registrations by a bare program, with a provider that echoes and without rules."""
    with echoing() as port:
        env = {"PULUMI_DEBUG_PROVIDERS": ",".join(f"{name}:{port}" for name in PROVIDERS)}
        with _program(folder, Path(replay.__file__).read_text(), stack, env) as engine:
            (folder / "registrations.json").write_text(json.dumps(registrations))
            yield engine


@contextmanager
def empty_program(folder: Path) -> Iterator[Engine]:
    """A program that does nothing but import the SDK, in the same environment."""
    with _program(folder, "import pulumi\n", "empty", {}) as engine:
        yield engine


@contextmanager
def _program(folder: Path, source: str, stack: str, env: dict[str, str]) -> Iterator[Engine]:
    folder.mkdir(parents=True)
    runtime = {"name": "python", "options": {"virtualenv": str(CHECKOUT / ".venv")}}
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "penstock", "runtime": runtime}))
    (folder / "__main__.py").write_text(source)
    with throwaway(folder, env=env) as engine:
        engine.stack_init(stack).require_ok()
        yield engine


def registrations_of(stack: str, folder: Path, change: Change = as_shipped) -> list[Registration]:
    """The registrations of penstock's program for the stack, from its file alone."""
    file = config_file(stack, folder, change)
    spec = read_path(file)
    plan = plan_stack(spec, stack, datetime.now(UTC))
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(KUBECONFIG)
    with patch.dict(os.environ, {"KUBECONFIG": str(kubeconfig)}):
        return recorded(lambda: build(load(spec.cluster.cloud), plan), stack=stack)
