"""Problems that can be known before anything starts: seconds of checks without torch."""

import shutil
import tempfile

import psutil

from components.errors import Problem, Problems, SpecError
from components.estimate.memory import checkpoint_bytes, estimate_memory
from workloads.prepare.corpus import check_data
from workloads.prepare.linking import is_prepared
from workloads.prepare.tokenizer import check_template, given_tokenizer
from workloads.pretrain.config import Device, JobFile, ranks_per_node
from workloads.pretrain.folder import RunFolder
from workloads.pretrain.train.origin import check_origin

GIB = 2**30


def check_job(job: JobFile, rendezvous: str | None) -> None:
    """SpecError with every reason why this job cannot run on this node; the run's folders exist afterwards."""
    problems = Problems([*_rendezvous(job, rendezvous), *_memory(job), *_disk(job)])
    problems.collect(check_origin, job.training.model)
    problems.collect(_data, job)
    if problems:
        raise SpecError(problems)


def _rendezvous(job: JobFile, rendezvous: str | None) -> list[Problem]:
    if job.training.nodes > 1 and rendezvous is None:
        message = f"{job.training.nodes} nodes have to meet somewhere; give --rendezvous HOST:PORT"
        return [Problem(path="training.nodes", message=message)]
    return []


def _data(job: JobFile) -> None:
    """The run's text is prepared, or can be by this node alone, before the run; SpecError where it cannot."""
    if is_prepared(job):
        return
    if job.training.nodes > 1:
        message = "is not prepared; have one node run `python -m workloads.prepare JOB_FILE` before the run"
        raise SpecError([Problem(path="training.data", message=message)])
    problems = Problems()
    problems.collect(lambda training: check_template(training, given_tokenizer(training)), job.training)
    problems.collect(check_data, job.training)
    if problems:
        raise SpecError(problems)


def _memory(job: JobFile) -> list[Problem]:
    """Only for a CPU: there the ranks share what this machine has."""
    if job.device is Device.CUDA:
        return []
    needed = ranks_per_node(job.training) * estimate_memory(job.training).total_bytes
    have = psutil.virtual_memory().total
    if needed <= have:
        return []
    message = (
        f"{ranks_per_node(job.training)} ranks need about {needed / GIB:.1f} GiB of memory, this machine has "
        f"{have / GIB:.1f}; use fewer ranks, a smaller model, or a smaller batch.microSequences"
    )
    return [Problem(path="training.ranksPerNode", message=message)]


def _disk(job: JobFile) -> list[Problem]:
    """The run's folders can be written, and hold two checkpoints: the one that is written and the one before."""
    folder = RunFolder.of(job)
    for path in (folder.path, folder.checkpoints, folder.logs):
        try:
            path.mkdir(parents=True, exist_ok=True)
            # A name of its own: on a shared volume the first process of every pod has the same number.
            with tempfile.NamedTemporaryFile(dir=path, prefix=".probe-") as probe:
                probe.write(b"penstock")
                probe.flush()
        except OSError as error:
            message = f"{path} cannot be written ({error.strerror}); free or unlock it, or use another run folder"
            return [Problem(path="runFolder", message=message)]
    needed, free = 2 * checkpoint_bytes(job.training), shutil.disk_usage(folder.checkpoints).free
    if needed > free:
        message = (
            f"two checkpoints need {needed / 1e6:,.0f} MB, {folder.checkpoints} has {free / 1e6:,.0f} free; "
            f"free some, or use another run folder"
        )
        return [Problem(path="runFolder", message=message)]
    return []
