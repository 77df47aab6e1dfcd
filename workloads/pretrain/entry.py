"""The name by which the fork server finds the worker: importing it costs nothing, so the agent may."""


def run_worker(job_file: str, attempt: str) -> None:
    """A worker process, from the fork to its end."""
    from workloads.pretrain.worker import main  # there already in the fork server, not in the agent

    main(job_file, attempt)
