"""A training job as a batch script."""

import json
import math
import shlex
from collections.abc import Iterator

from components.errors import Problem, UnsupportedError
from components.plan.cluster import NodePoolPlan
from components.plan.kubernetes import NAMESPACE, Manifest, SchedulerPlan
from components.plan.work import JobPlan
from components.pods import PORT, labels, named
from components.schedulers.exits import GAVE_UP, PREEMPTED, REFUSED
from components.schedulers.kueue.render import refuse_command, refuse_elastic
from components.schedulers.queues import queue_of
from components.schedulers.slurm.plan import share
from components.schedulers.topology import of_network
from components.spec.scheduler import TopologyRequest

SCRIPT = "run.sbatch"


def render_job(job: JobPlan, pool: NodePoolPlan, plan: SchedulerPlan) -> tuple[Manifest, ...]:
    """The script, in a ConfigMap from which it is handed to sbatch; SpecError for what Slurm cannot run."""
    refuse_elastic(job, "slurm")
    refuse_command(job, "slurm", "hand in your own by sbatch, or use the scheduler kueue, trainer, volcano or kai")
    _refuse_required(job, pool)
    _refuse_secrets(job)
    queue_of(job, plan)
    _refuse_beyond(job, pool, plan)
    return named(job, lambda name: (_config_map(job, name, sbatch(job, pool, name)),))


def _refuse_required(job: JobPlan, pool: NodePoolPlan) -> None:
    """UnsupportedError for a gang that requires a switch: without a topology of its own Slurm passes over `--switches`
    (sbatch(1): "when a tree topology is used"), and Slinky's controller is given none.
    """
    if job.topology is TopologyRequest.REQUIRED:
        other = ", or the scheduler kueue" if of_network(pool) and pool.min_count == pool.max_count else ""
        message = f"'required', but Slurm is told of no switches here; use preferred or none{other}"
        raise UnsupportedError([Problem(path="training.topology", message=message)])


def _refuse_secrets(job: JobPlan) -> None:
    """UnsupportedError for tokens in Secrets: a batch job is no pod, and its script would hold them."""
    if job.secrets:
        variables = " and ".join(sorted(job.secrets))
        message = (
            f"tokenSecret gives a pod {variables}, and a job of Slurm is none; leave tokenSecret out and have "
            "Slurm's users set it, leave url out, or use the scheduler kueue"
        )
        raise UnsupportedError([Problem(path="training.trackers", message=message)])


def _refuse_beyond(job: JobPlan, pool: NodePoolPlan, plan: SchedulerPlan) -> None:
    """UnsupportedError for a run on more nodes than Slurm has pods: their number is fixed, and no pod waits for which a
    pool would grow (Slinky's NodeSet, `replicas`).
    """
    has = share(plan.queues, pool)
    if job.nodes > has:
        message = (
            f"{job.nodes}, but Slurm has pods on {has} nodes of the pool {pool.name!r}, and none more when the pool "
            f"grows; raise cluster.nodePools.{pool.name}.count to {job.nodes}, or use kueue"
        )
        raise UnsupportedError([Problem(path="training.nodes", message=message)])


def sbatch(job: JobPlan, pool: NodePoolPlan, name: str) -> str:
    """The script, which one file system holds for all nodes' sake: that of the run's folder.

    One agent on each node; the first node is where they meet. A preempted run goes back to the queue; a lost one too,
    as often as the job may restart; a problem and a hopeless failure end it.
    """
    file = f"{job.run_folder}/{name}.json"
    agent = ["python3", *job.program, file, "--rendezvous", f"$head:{PORT}", "--address", "$SLURMD_NODENAME"]
    if job.nodes == 1:
        agent = agent[: agent.index("--rendezvous")]
    # The shell of each node fills in its own name; the batch script's fills in the head.
    inner = " ".join(agent).replace("$SLURMD_NODENAME", "\\$SLURMD_NODENAME")
    lines = [
        "#!/bin/bash",
        *(f"#SBATCH {option}" for option in _options(job, pool, name)),
        *(f"export {key}={shlex.quote(value)}" for key, value in sorted({**pool.binding.env, **job.env}.items())),
        f"mkdir -p {shlex.quote(job.run_folder)}",
        f"cat > {shlex.quote(file)} <<'JOB_FILE'",
        json.dumps(job.config, sort_keys=True),
        "JOB_FILE",
        'head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n1)',
        f'srun --kill-on-bad-exit=0 --wait=0{_container(job, pool)} bash -c "exec {inner}"',
        "code=$?",
        f"case $code in 0|{GAVE_UP}|{REFUSED}) exit $code ;; esac",
        f'if [ $code -eq {PREEMPTED} ] || [ "${{SLURM_RESTART_COUNT:-0}}" -lt {job.max_agent_restarts} ]; then',
        '  scontrol requeue "$SLURM_JOB_ID"',
        "fi",
        "exit $code",
    ]
    return "\n".join(lines) + "\n"


def _options(job: JobPlan, pool: NodePoolPlan, name: str) -> Iterator[str]:
    yield f"--job-name={name}"
    yield f"--partition={pool.name}"
    yield f"--nodes={job.nodes}"
    yield "--ntasks-per-node=1"
    if pool.machine.accelerator_count:
        yield f"--gres=gpu:{pool.machine.accelerator_count}"
    if job.cpu:
        yield f"--cpus-per-task={max(1, math.floor(job.cpu))}"
    # All that slurmd has (sbatch: "--mem=0"): a figure above its container's limit would never start.
    yield "--mem=0"
    yield "--exclusive"
    yield "--requeue"
    yield "--open-mode=append"
    # The run's folder is not there before the script has made it.
    yield f"--chdir={job.mount_path or '/'}"
    yield "--output=%x-%j.log"


def _container(job: JobPlan, pool: NodePoolPlan) -> str:
    """Options of Slinky's container plugin; none where the nodes' own Python runs the job."""
    if not job.image:
        return ""
    bound = {mount.path for mount in pool.binding.mounts} | {one.mount_path for one in pool.binding.host_paths}
    paths = sorted(bound | ({job.mount_path} if job.claim else set()))
    mounts = ",".join(f"{path}:{path}" for path in paths)
    return f" --container-image={shlex.quote(_enroot(job.image))}" + (f" --container-mounts={mounts}" if mounts else "")


def _enroot(image: str) -> str:
    """The image as enroot takes it, with a `#` behind its registry; without one it asks Docker Hub
    (NVIDIA/enroot, doc/cmd/import.md).
    """
    first, slash, rest = image.partition("/")
    is_registry = slash and ("." in first or ":" in first or first == "localhost")
    return f"{first}#{rest}" if is_registry else image


def _config_map(job: JobPlan, name: str, script: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": dict(labels(job))},
        "immutable": True,
        "data": {SCRIPT: script},
    }
