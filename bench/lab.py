"""The lab: how soon and how small it is, a gang of 1,024 nodes under each scheduler, a queue of 500 jobs.

`python -m bench.lab [ready | gang | large | queue] [NODES]` runs one part, a gang with fewer nodes if so asked: `gang`
is Kueue's alone, with its bound of early pods, `large` every scheduler's.
"""

import sys
import time
from collections.abc import Callable

from bench import lab_gang, lab_large, lab_queue
from bench.figures import Figure, show
from bench.lab_cluster import running
from lab.programs import programs_for
from lab.shape import plain_shape


def figures() -> list[Figure]:
    """All parts, one after the other."""
    return [*ready(), *lab_gang.figures(), *lab_large.figures(), *lab_queue.figures()]


def ready() -> list[Figure]:
    """From start until control plane and two process nodes are Ready, with the tools cached."""
    shape = plain_shape(process=2, kwok=0)
    tools = programs_for(shape)
    begin = time.monotonic()
    with running(shape, tools) as lab:
        seconds = time.monotonic() - begin
        status = lab.status()
    largest = sorted(status, key=lambda one: -one.rss_mib)[:3]
    note = ", ".join(f"{one.name} {one.rss_mib:.0f} MiB" for one in largest)
    memory_gb = sum(one.rss_mib for one in status) * 2**20 / 1e9
    return [
        Figure(what="lab ready, 2 process nodes", value=seconds, unit="s", at_most=15),
        Figure(what="memory of all its processes", value=memory_gb, unit="GB", at_most=1.5, note=note),
    ]


def main(part: str = "", nodes: str = str(lab_gang.NODES)) -> None:
    """One part, or all."""
    parts: dict[str, Callable[[], list[Figure]]] = {
        "": figures,
        "ready": ready,
        "gang": lambda: lab_gang.figures(int(nodes)),
        "large": lambda: lab_large.figures(int(nodes)),
        "queue": lab_queue.figures,
    }
    show(f"lab {part}", parts[part]())


if __name__ == "__main__":
    main(*sys.argv[1:])
