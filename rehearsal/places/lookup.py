"""Lookup of the place that a stack's cloud asks for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from components.errors import Problem, SpecError
from rehearsal.cloud.rules import Rules
from rehearsal.faults import FaultScript
from rehearsal.places.cloud import simulated
from rehearsal.places.lab import on_lab
from rehearsal.places.place import RehearsalPlace
from rehearsal.stack_file import cloud_of, settings_in

EXISTING, LOCAL = "existing", "local"
"""Clouds that are not simulated: a stack on a cluster that exists gets a lab, one on this machine is built on it."""


def rules_of(cloud: str) -> Rules | None:
    """The constant RULES of rehearsal/providers/<cloud>/rules.py, None for a cloud that is not simulated."""
    package = f"rehearsal.providers.{cloud}"
    if not cloud.isidentifier() or not find_spec(package) or not find_spec(f"{package}.rules"):
        return None
    rules: Rules = import_module(f"{package}.rules").RULES
    return rules


@contextmanager
def place_for(
    file: Path, home: Path, faults: FaultScript | None, *, preview: bool, say: Callable[[str], None]
) -> Iterator[RehearsalPlace | None]:
    """The place of the stack file's cloud while the block runs; None where it is this machine.

    Refuses (SpecError) faults where nothing is simulated, and limits that the cloud does not have.
    """
    cloud = cloud_of(settings_in(file))
    rules = rules_of(cloud)
    if faults and rules is None:
        message = f"faults need a simulated cloud, which cluster.cloud: {cloud or LOCAL} has not; leave it out"
        raise SpecError([Problem(path="--faults", message=message)])
    if rules:
        with simulated(rules, file, home, faults, preview=preview) as simulation:
            yield simulation
    elif cloud == EXISTING:
        with on_lab(file, home, say) as lab:
            yield lab
    else:
        yield None
