"""The name by which the fork server finds the worker: importing it costs nothing, so the agent may."""

from collections.abc import Callable

Worker = Callable[[str, str], None]
"""Body of a worker process: from the job file and the number of the attempt."""


def run_worker(job_file: str, attempt: str) -> None:
    """A worker process, from the fork to its end."""
    from workloads.pretrain.train.worker import main  # there already in the fork server, not in the agent

    main(job_file, attempt)
