"""The real Pulumi engine against a file backend, offline: one method a command."""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Literal

import yaml

from components.loopback import exempt_loopback
from components.project import CHECKOUT, Project, read_project
from engine.checkpoint import mend_checkpoint
from engine.errors import CliMissingError, LockedError, PassphraseError, StackMissingError
from engine.locks import Lock, find_locks, require_unlocked
from engine.process import Result, Run, Watch
from engine.state import StackState, parse_state, with_creates_settled
from tools import PULUMI_VERSION

Command = Literal["preview", "up", "refresh", "destroy"]

# No account, no update check, no download: a missing plugin fails at once. Source: pulumi sdk/go/common/env/env.go.
OFFLINE = {
    "PULUMI_SKIP_UPDATE_CHECK": "1",
    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
    "PULUMI_DISABLE_REGISTRY_RESOLVE": "1",
    "PULUMI_DISABLE_CI_DETECTION": "1",
    "PULUMI_SKIP_CONFIRMATIONS": "1",
    "PULUMI_DEBUG_COMMANDS": "1",  # --event-log exists with it only
    "PULUMI_ERROR_OUTPUT_STRING": "1",  # f"{output}" raises in the program instead of becoming a warning text
}


class Engine:
    """One project with one backend. Nothing of the user's own PULUMI_* environment reaches the engine.

    `preview` and `up` are held to the policy pack in the project's `policies` folder; without one, to penstock's own
    where the program is penstock's.

    project     the folder of Pulumi.yaml
    home        PULUMI_HOME: the engine's own files (plugins, credentials, workspaces)
    backend     the folder the state is kept in
    config_file a stack file to use in place of the project's own, which is then never written
    env         added to the environment, last
    """

    def __init__(
        self, *, project: Path, home: Path, backend: Path, passphrase: str,
        config_file: Path | None = None, env: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.project = project.resolve()
        project_file = read_project(self.project)
        self.project_name = project_file.name
        self.backend = backend.resolve()
        self.config_file = config_file.resolve() if config_file else None
        self._policies = policy_pack(project_file)
        self._pulumi = find_pulumi()
        self._env = _environment(self._pulumi, home.resolve(), self.backend, passphrase) | dict(env or {})
        for folder in (home, backend):
            folder.mkdir(parents=True, exist_ok=True)

    def stack_init(self, stack: str) -> Result:
        """Makes the stack. The engine writes the passphrase's salt into `config_file` where there is one."""
        if self.config_file is None:
            return self._run(["stack", "init", stack, "--no-select"])
        return self._init_beside_config(stack, self.config_file)

    def preview(self, stack: str, *, watch: Watch | None = None) -> Result:
        return self.start("preview", stack, watch=watch).wait()

    def up(self, stack: str, *, watch: Watch | None = None) -> Result:
        return self.start("up", stack, watch=watch).wait()

    def refresh(self, stack: str, *, watch: Watch | None = None) -> Result:
        return self.start("refresh", stack, watch=watch).wait()

    def destroy(self, stack: str, *, watch: Watch | None = None) -> Result:
        return self.start("destroy", stack, watch=watch).wait()

    def start(self, command: Command, stack: str, *, watch: Watch | None = None) -> Run:
        """The command, begun and not waited for. Refuses, before it begins, a stack that is missing or locked."""
        self.require_stack(stack)
        require_unlocked(self.backend, self.project_name, stack)
        arguments = [command, *self._target(stack), "--suppress-permalink=true"]
        if command != "preview":
            arguments += ["--yes", "--skip-preview"]
        if self._policies is not None and command in ("preview", "up"):
            arguments += ["--policy-pack", str(self._policies)]
        return Run(self._command(arguments), cwd=self.project, env=self._env, watch=watch or Watch(), event_log=True)

    def export_state(self, stack: str) -> StackState:
        """The stack's state; secrets stay encrypted."""
        self.require_stack(stack)
        return parse_state(self._run(["stack", "export", "--stack", stack]).require_ok().output)

    def stack_rm(self, stack: str) -> Result:
        """Removes an empty stack from the backend; its file stays."""
        self.require_stack(stack)
        return self._run(["stack", "rm", stack, "--yes", "--preserve-config"])

    def cancel(self, stack: str) -> Result:
        """Clears every lock of the stack, whoever holds it."""
        self.require_stack(stack)
        return self._run(["cancel", stack, "--yes"])

    def clear_stale_locks(self, stack: str) -> tuple[Lock, ...]:
        """The locks an engine that is gone had left, now cleared. Refuses (LockedError) while a live one holds it.

        Where it was killed as it wrote the state, the state before that is put back.
        """
        try:
            require_unlocked(self.backend, self.project_name, stack)
        except LockedError as error:
            if not error.stale:
                raise
        mend_checkpoint(self.backend, self.project_name, stack)
        stale = find_locks(self.backend, self.project_name, stack)
        if stale:
            self.cancel(stack)
        return stale

    def clear_pending_creates(self, stack: str) -> Result:
        """Forgets creates that a killed engine never saw the end of, so that `up` does them again.

        Only for providers that find again what they had begun: another's would be made twice.
        """
        self.require_stack(stack)
        return self._run(["refresh", *self._target(stack), "--yes", "--skip-preview", "--clear-pending-creates"])

    def settle_pending_creates(self, stack: str, made: Mapping[str, str]) -> Result:
        """Takes into the state what a killed engine had made, by URN and id, and forgets its other creates.

        By editing the exported state: `refresh --import-pending-creates` of this version marks what it is given as
        being imported, and then nothing imports it.
        """
        self.require_stack(stack)
        exported = self._run(["stack", "export", "--stack", stack]).require_ok().output
        with tempfile.TemporaryDirectory(prefix="penstock-state-") as folder:
            file = Path(folder, "state.json")
            file.write_text(with_creates_settled(exported, made))
            result = self._run(["stack", "import", "--stack", stack, "--file", str(file)])
        if not (made and result.ok):
            return result
        targets = [part for urn in made for part in ("--target", urn)]
        return self._run(["refresh", *self._target(stack), "--yes", "--skip-preview", *targets])

    def stacks(self) -> tuple[str, ...]:
        """The stacks of this project in the backend."""
        folder = self.backend / ".pulumi" / "stacks" / self.project_name
        return tuple(sorted(path.name.removesuffix(".json") for path in folder.glob("*.json")))

    def require_stack(self, stack: str) -> None:
        """Refuses a stack that the backend does not have; says which it has."""
        if stack not in self.stacks():
            raise StackMissingError(stack, self.stacks())

    def _target(self, stack: str) -> list[str]:
        """The arguments that say which stack, with which settings."""
        settings = ["--config-file", str(self.config_file)] if self.config_file else []
        return ["--stack", stack, *settings]

    def _init_beside_config(self, stack: str, config_file: Path) -> Result:
        """`stack init` knows no --config-file: a project of the same name beside the file is what it runs in."""
        stand_in = config_file.parent / "Pulumi.yaml"
        stand_in.write_text(yaml.safe_dump({"name": self.project_name, "runtime": "python"}))
        written = config_file.parent / f"Pulumi.{stack}.yaml"
        if written != config_file:
            shutil.copyfile(config_file, written)
        result = self._run(["stack", "init", stack, "--no-select"], cwd=config_file.parent)
        if written != config_file:
            written.replace(config_file)
        return result

    def _run(self, arguments: list[str], *, cwd: Path | None = None) -> Result:
        command = self._command(arguments)
        return Run(command, cwd=cwd or self.project, env=self._env, watch=Watch(), event_log=False).wait()

    def _command(self, arguments: list[str]) -> list[str]:
        return [str(self._pulumi), *arguments, "--non-interactive", "--color", "never"]


@contextmanager
def throwaway(
    project: Path, *, config_file: Path | None = None, env: Mapping[str, str] | None = None
) -> Iterator[Engine]:
    """An engine whose home, backend and passphrase end with the block. The caller destroys what it deployed."""
    with tempfile.TemporaryDirectory(prefix="penstock-rehearsal-") as folder:
        root = Path(folder)
        yield Engine(
            project=project, home=root / "home", backend=root / "backend", passphrase=secrets.token_hex(16),
            config_file=config_file, env=env,
        )  # fmt: skip


def passphrase_from_environment() -> str:
    """Reads the user's setting as the engine reads it. Refuses where nothing is set; an empty one is a setting."""
    if (passphrase := os.environ.get("PULUMI_CONFIG_PASSPHRASE")) is not None:
        return passphrase
    file = os.environ.get("PULUMI_CONFIG_PASSPHRASE_FILE")
    if not file:
        raise PassphraseError("the stack's secrets need a passphrase")
    try:
        return Path(file).expanduser().read_text().strip()
    except OSError as error:
        raise PassphraseError(f"PULUMI_CONFIG_PASSPHRASE_FILE {file}: {error.strerror}") from error


def policy_pack(project: Project) -> Path | None:
    """The pack that a project's stacks are held to: its own, else penstock's where the program is penstock's."""
    packs = [project.folder / "policies", *([CHECKOUT / "policies"] if project.is_penstocks else [])]
    return next((pack for pack in packs if (pack / "PulumiPolicy.yaml").is_file()), None)


@cache
def find_pulumi() -> Path:
    """The pulumi command of this environment, else one on PATH of the pinned version."""
    beside = Path(sys.executable).parent / "pulumi"
    if beside.exists():
        return beside
    on_path = shutil.which("pulumi")
    if on_path and _version(Path(on_path)) == PULUMI_VERSION:
        return Path(on_path)
    raise CliMissingError(PULUMI_VERSION)


def _version(pulumi: Path) -> str:
    env = os.environ | OFFLINE
    text = subprocess.run([pulumi, "version"], capture_output=True, text=True, check=False, env=env).stdout
    return text.strip().removeprefix("v")


def _environment(pulumi: Path, home: Path, backend: Path, passphrase: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
    return inherited | exempt_loopback(inherited) | OFFLINE | {
        "PATH": os.pathsep.join([str(pulumi.parent), *os.get_exec_path()]),
        # The engine starts the language host that lies beside its own program, links followed; that one asks this.
        "VIRTUAL_ENV": str(pulumi.parent.parent),
        "PULUMI_HOME": str(home),
        "PULUMI_BACKEND_URL": f"file://{backend}",
        "PULUMI_CONFIG_PASSPHRASE": passphrase,
    }  # fmt: skip
