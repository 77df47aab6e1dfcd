"""Checks of this machine before anything is created: the corpus, the disk, the ports, the libraries."""

import importlib.util
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil

from components.errors import Problem, Problems
from components.estimate.memory import checkpoint_bytes
from components.plan.stack import StackPlan
from components.plan.work import JobPlan, ServicePlan
from components.spec.training import TrainingSpec
from providers.local.volume_folder import NEEDED_BYTES, occupied, owner_of, too_little_room

LIBRARIES = "training"
"""Path of the problem that the workloads' libraries are not there."""


def preflight(plan: StackPlan) -> tuple[Problem, ...]:
    """Every obstacle on this machine; nothing is changed by looking."""
    problems = [*_library_problems(), *_volume_problems(plan)]
    if any(problem.path == LIBRARIES for problem in problems):
        return tuple(problems)  # the rest is asked of the workloads, which need them
    if plan.training:
        problems += _corpus_problems(plan.training)
    if plan.inference:
        problems += [*_model_problems(plan.inference), *_port_problems(plan.inference)]
    return tuple(problems)


def _library_problems() -> Iterator[Problem]:
    lacking = [name for name in ("torch", "xxhash") if importlib.util.find_spec(name) is None]
    if lacking:
        message = f"{' and '.join(lacking)} not installed; run `make setup`, or pip install 'penstock[workloads]'"
        yield Problem(path=LIBRARIES, message=message)


def _volume_problems(plan: StackPlan) -> Iterator[Problem]:
    if reason := _folder_problem(Path(plan.cluster.volume.path), plan):
        yield Problem(path="storage.volume.path", message=reason)


def _folder_problem(path: Path, plan: StackPlan) -> str:
    """Reason why the folder cannot be made, is another's, or is too small for the run; empty when there is none."""
    above = next(folder for folder in (path, *path.parents) if os.path.exists(folder))  # noqa: PTH110 (never raises)
    if path.is_symlink() and above != path:
        return f"{path} is a link to a folder that does not exist; make that one, or choose another"
    if not above.is_dir() or not os.access(above, os.R_OK | os.W_OK | os.X_OK):
        return f"{above} is not a folder that this user can write to; choose another, or change its permissions"
    owner = owner_of(path)
    stack = owner.split("/")[1] if owner.count("/") > 1 else ""
    if above == path and stack != plan.stack and (reason := occupied(path, f"stack {plan.stack}")):
        return reason
    if reason := too_little_room(above, 0 if owner else NEEDED_BYTES):
        return reason
    if plan.training and (reason := too_little_room(above, _disk_needed(plan.training))):
        return f"{reason}; fewer checkpoints (training.checkpoint.keep) need less"
    return ""


def _disk_needed(job: JobPlan) -> int:
    """Bytes of the checkpoints kept, one being written, and the export."""
    training = _training(job)
    return checkpoint_bytes(training) * (training.checkpoint.keep + 1) + 2 * training.model.parameters


def _corpus_problems(job: JobPlan) -> tuple[Problem, ...]:
    from workloads.prepare.corpus import check_data  # late, as its libraries are an extra
    from workloads.prepare.linking import is_prepared
    from workloads.prepare.tokenizer import check_template, given_tokenizer
    from workloads.pretrain.config import JobFile
    from workloads.pretrain.train.origin import check_origin

    training, problems = _training(job), Problems()
    problems.collect(check_origin, training.model)
    if not problems.collect(is_prepared, JobFile.model_validate(job.config, strict=False)):
        problems.collect(lambda training: check_template(training, given_tokenizer(training)), training)
        problems.collect(check_data, training)
    return tuple(problems)


def _training(job: JobPlan) -> TrainingSpec:
    return TrainingSpec.model_validate(job.config["training"], strict=False)


def _model_problems(service: ServicePlan) -> Iterator[Problem]:
    from workloads.model.export import newest_export  # late, as its libraries are an extra

    if service.follows_training:
        return
    try:
        newest_export(Path(service.model_folder))
    except OSError as error:
        yield Problem(path="inference.model.path", message=f"{error}; give the folder of a finished run or its export")


def _port_problems(service: ServicePlan) -> Iterator[Problem]:
    for port in service.ports:
        if port > 65535:
            yield Problem(
                path="inference.replicas", message=f"the ports from inference.port on end at 65535, not {port}"
            )
        elif reason := port_problem(service.host, port, service.state_folder):
            yield Problem(path="inference.port", message=reason)


def port_problem(host: str, port: int, own_folder: str) -> str:
    """Reason why the port cannot be listened on; empty when it is free or held by this stack's own server."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, port))
        except OSError as error:
            holder = _listener(port)
            if holder and any(own_folder in argument for argument in _command(holder)):
                return ""
            return f"{host}:{port} cannot be listened on ({error.strerror}{_named(holder)}); choose another port"
    return ""


def _listener(port: int) -> psutil.Process | None:
    for connection in psutil.net_connections(kind="tcp"):
        if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
            return psutil.Process(connection.pid) if connection.pid else None
    return None


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _named(process: psutil.Process | None) -> str:
    return f"; held by process {process.pid}, {process.name()}" if process else ""
