"""Container engines and copiers as they are installed here: programs found on PATH, each with its own arguments.

Nothing goes through a shell. What a program prints goes to the terminal as it comes; a password goes to its standard
input, and never into its arguments.
"""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from components.errors import PenstockError
from components.images import Architecture, Target
from components.registry import Login

ENGINES = ("podman", "docker", "buildah")
"""Programs that build; the first one that is there."""
COPIERS = ("skopeo", "crane")
"""Programs that copy an image for all processors from registry to registry, without keeping it."""
ANSWER_TIMEOUT_S = 20.0
"""For a daemon that is asked for its version."""
CONTAINERFILE = "images/cuda/Containerfile"


class ProgramError(PenstockError):
    """A program ended with another status than 0; what it said is on the terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerEngine:
    """A program that builds, tags and pushes images: all of ENGINES take the same arguments for it."""

    program: str

    def refused(self) -> str:
        """Words of the program on why it does not work here; empty where it does. Docker has a daemon, which may not be
        there.
        """
        if self.program != "docker":
            return ""
        try:
            asked = subprocess.run(
                (self.program, "version", "--format", "{{.Server.Version}}"),
                capture_output=True, text=True, check=False, timeout=ANSWER_TIMEOUT_S,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"docker does not answer ({type(error).__name__})"
        said = asked.stderr.strip().splitlines() or [f"status {asked.returncode}"]
        return said[-1].partition(". ")[0] if asked.returncode else ""

    def build(self, context: Path, target: Target, architecture: Architecture, image: str) -> None:
        """Builds the target of the Containerfile in `context` under that name."""
        run(self.build_line(str(context), target, architecture, image))

    def build_line(self, context: str, target: Target, architecture: Architecture, image: str) -> Sequence[str]:
        file = CONTAINERFILE if context == "." else f"{context}/{CONTAINERFILE}"
        platform = f"linux/{architecture}"
        return (
            self.program,
            "build",
            "--platform",
            platform,
            "--file",
            file,
            "--target",
            target,
            "--tag",
            image,
            context,
        )

    def push(self, image: str) -> None:
        run((self.program, "push", image))

    def login(self, login: Login) -> None:
        run((self.program, "login", "--username", login.user, "--password-stdin", login.host), login.password)

    def copy(self, source: str, target: str, architecture: Architecture) -> None:
        """By way of this machine, for one processor."""
        run((self.program, "pull", "--platform", f"linux/{architecture}", source))
        run((self.program, "tag", source, target))
        run((self.program, "push", target))


@dataclass(frozen=True, slots=True, kw_only=True)
class Copier:
    """A program of COPIERS."""

    program: str

    def login(self, login: Login) -> None:
        verb = ("auth", "login") if self.program == "crane" else ("login",)
        run((self.program, *verb, "--username", login.user, "--password-stdin", login.host), login.password)

    def copy(self, source: str, target: str) -> None:
        run(self.copy_line(source, target))

    def copy_line(self, source: str, target: str) -> Sequence[str]:
        """`--all`: for every processor that it is built for."""
        if self.program == "crane":
            return (self.program, "copy", source, target)
        return (self.program, "copy", "--all", f"docker://{source}", f"docker://{target}")


def engine_here() -> tuple[ContainerEngine | None, str]:
    """The first engine on PATH that works here, and what is wrong with those that do not; None where there is none."""
    wrong = []
    for program in filter(shutil.which, ENGINES):
        engine = ContainerEngine(program=program)
        if not (why := engine.refused()):
            return engine, ""
        wrong.append(f"{program} is here and does not work: {why}")
    return None, "; ".join(wrong)


def copier_here() -> Copier | None:
    """The first copier on PATH."""
    found = next(filter(shutil.which, COPIERS), None)
    return Copier(program=found) if found else None


def run(command: Sequence[str], password: str | None = None) -> None:
    """Runs a program to its end, its output on this terminal; ProgramError where it fails or is not there."""
    try:
        done = subprocess.run(list(command), input=password, text=True, check=False)
    except OSError as error:
        raise ProgramError(f"{command[0]} could not be started: {error.strerror}") from None
    if done.returncode:
        raise ProgramError(f"`{' '.join(command)}` ended with status {done.returncode}")
