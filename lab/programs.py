"""The programs that a lab needs, brought here where they are not yet."""

from lab.errors import LabError
from lab.shape import LabShape
from tools.lab import CONTROL_PLANE, MODULES, Tools, ensure_lab
from tools.steps import SetupError


def programs_for(shape: LabShape) -> Tools:
    """Programs that a lab of this shape runs, from the cache; a missing one is brought once, with progress on stderr.

    A lab of KWOK nodes alone runs no controller, and needs the control plane's programs only. LabError where they
    cannot be had.
    """
    try:
        return ensure_lab(MODULES if shape.process else CONTROL_PLANE)
    except SetupError as error:
        raise LabError(f"the lab's programs cannot be had: {error}") from error
