"""The rendered batch script under a real Slurm: slurmctld and two slurmd on this machine."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from components.catalog import MachineType
from components.fabric import Fabric
from components.plan.cluster import PodBinding
from components.schedulers.slurm.render import sbatch
from tests.contract.scheduler_cases import job, pool
from tests.workloads.pretrain.runs import REPOSITORY, make_run

DAEMONS = ("munged", "slurmctld", "slurmd")
MISSING = [name for name in DAEMONS if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None]

pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"no {', '.join(MISSING)} here (Debian: slurm-wlm, munge)"),
    pytest.mark.skipif(os.geteuid() != 0, reason="slurmd starts jobs as their user, which takes root"),
]

PATIENCE_S = 120.0

CONF = """
ClusterName=penstock
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmctldPort={ports[0]}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=1
KillWait=30
NodeName=node0 NodeHostname=localhost NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1 State=UNKNOWN
NodeName=node1 NodeHostname=localhost NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1 State=UNKNOWN
PartitionName=train Nodes=ALL State=UP
"""

CPU = MachineType(name="cpu", cores=1, memory_gib=1, accelerator=None, accelerator_count=0, fabric=Fabric.ETHERNET)
POOL = pool(machine=CPU, fabric=Fabric.ETHERNET, binding=PodBinding())
LOCAL: dict[str, Any] = {"image": "", "cpu": 0.0, "pod_memory_gib": 0.0, "claim": ""}

PROGRAM = """
import json, os, pathlib, sys
job = json.loads(pathlib.Path(sys.argv[1]).read_text())
starts = pathlib.Path(job["runFolder"]) / ("starts-" + os.environ["SLURM_NODEID"])
with starts.open("a") as file:
    file.write(json.dumps({"arguments": sys.argv[2:], "env": os.environ["FABRIC"]}) + chr(10))
sys.exit(job["ends"][len(starts.read_text().splitlines()) - 1])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slurm:
    folder: Path
    env: dict[str, str]

    def ask(self, *command: str) -> str:
        return subprocess.run(command, env=self.env, capture_output=True, text=True, check=True).stdout

    def run(self, script: str) -> str:
        """The job's last state."""
        file = self.folder / "run.sbatch"
        file.write_text(script)
        number = self.ask("sbatch", "--parsable", str(file)).strip()
        until(lambda: self._ended(number))
        return self._state(number)

    def _ended(self, number: str) -> bool:
        state = self._state(number)
        if state == "PENDING" and "BeginTime" in self.ask("scontrol", "show", "job", number):
            # Slurm keeps a job that goes back to the queue out of it for two minutes.
            self.ask("scontrol", "update", f"JobId={number}", "StartTime=now")
        return state in {"COMPLETED", "FAILED", "CANCELLED", "NODE_FAIL"}

    def _state(self, number: str) -> str:
        return self.ask("scontrol", "show", "job", number).split("JobState=")[1].split()[0]

    def starts(self, node: int) -> list[str]:
        return (self.folder / "run" / f"starts-{node}").read_text().splitlines()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.fixture(scope="module")
def daemons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    folder = tmp_path_factory.mktemp("slurm")
    folder.chmod(0o755)
    env = dict(os.environ, PATH=f"{os.environ['PATH']}:/usr/sbin", SLURM_CONF=f"{folder}/slurm.conf")
    (folder / "slurm.conf").write_text(CONF.format(folder=folder, ports=_free_ports(3)))
    for name in ("state", "spool-node0", "spool-node1"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o400)
    places = [f"--{name}-file={folder}/munge.{name[:4]}" for name in ("pid", "seed", "log")]
    munged = ["munged", "--foreground", "--force", f"--key-file={key}", f"--socket={folder}/munge.socket", *places]
    commands = [munged, ["slurmctld", "-D", "-c"], ["slurmd", "-D", "-N", "node0"], ["slurmd", "-D", "-N", "node1"]]
    processes = []
    slurm = Slurm(folder=folder, env=env)
    try:
        for number, command in enumerate(commands):
            with (folder / f"log-{number}").open("wb") as log:
                processes.append(subprocess.Popen(command, env=env, stdout=log, stderr=log))
            if number == 0:
                until((folder / "munge.socket").exists)
        until(lambda: _idle(slurm) == ["idle", "idle"])
        yield slurm
    finally:
        for process in reversed(processes):
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(30)


def _idle(slurm: Slurm) -> list[str]:
    found = subprocess.run(["sinfo", "-hN", "-o", "%T"], env=slurm.env, capture_output=True, text=True, check=False)
    return found.stdout.split()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def script(slurm: Slurm, ends: list[int], restarts: int) -> str:
    shutil.rmtree(slurm.folder / "run", ignore_errors=True)
    program = slurm.folder / "program.py"
    program.write_text(PROGRAM)
    one = job(
        name="gang",
        program=(str(program),),
        env={"FABRIC": "it's efa"},
        config={"runFolder": f"{slurm.folder}/run", "ends": ends},
        run_folder=f"{slurm.folder}/run",
        max_agent_restarts=restarts,
        mount_path=str(slurm.folder),
        **LOCAL,
    )
    return sbatch(one, POOL, "gang-1")


def test_a_training_of_two_nodes_runs_to_its_export(daemons: Slurm) -> None:
    """The trainer itself, one agent on each node, which meet through the script alone."""
    texts = daemons.folder / "texts"
    texts.mkdir()
    for number in range(30):
        (texts / f"{number}.txt").write_text(Path(os.__file__).read_text()[number * 900 : number * 900 + 4000])
    run = make_run(_empty(daemons.folder / "run"), texts, nodes=2, minNodes=2, ranksPerNode=1, steps=20)
    subprocess.run([sys.executable, "-m", "workloads.prepare", str(run.job)], cwd=REPOSITORY, check=True)
    one = job(name="gang", config=json.loads(run.job.read_text()), run_folder=str(run.folder), **LOCAL)
    content = sbatch(replace(one, mount_path=str(daemons.folder)), POOL, "gang-2")
    # Two names for one machine: what differs on real nodes is their address.
    content = content.replace("$head:", "127.0.0.1:").replace("\\$SLURMD_NODENAME", "127.0.0.1")
    here = f"PYTHONPATH={REPOSITORY} PATH={Path(sys.executable).parent}:$PATH"
    interpreter = f"export {here} GLOO_SOCKET_IFNAME=lo OMP_NUM_THREADS=1"
    content = content.replace("mkdir -p", f"{interpreter}\nmkdir -p", 1)
    assert daemons.run(content) == "COMPLETED", _log(daemons)
    assert run.status["state"] == "finished"
    assert run.step == 20
    assert run.export.is_dir()
    assert {path.name for path in (run.folder / "logs" / "attempt-1").iterdir()} == {"rank-0.log", "rank-1.log"}
    assert _log(daemons).count("attempt 1: workers {") == 2, "both nodes say so in the job's log"


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def _log(slurm: Slurm) -> str:
    return "".join(path.read_text() for path in slurm.folder.glob("gang-2-*.log"))


def test_every_node_runs_one_agent_that_knows_where_to_meet(daemons: Slurm) -> None:
    assert daemons.run(script(daemons, ends=[0], restarts=0)) == "COMPLETED"
    for node in (0, 1):
        arguments = f'"arguments": ["--rendezvous", "node0:29400", "--address", "node{node}"]'
        assert daemons.starts(node) == [f'{{{arguments}, "env": "it\'s efa"}}']


def test_a_preempted_run_starts_again_though_it_may_not_fail(daemons: Slurm) -> None:
    assert daemons.run(script(daemons, ends=[75, 75, 0], restarts=0)) == "COMPLETED"
    assert len(daemons.starts(0)) == len(daemons.starts(1)) == 3


def test_a_failure_counts(daemons: Slurm) -> None:
    assert daemons.run(script(daemons, ends=[1, 1, 0], restarts=1)) == "FAILED"
    assert len(daemons.starts(0)) == 2


def test_a_mistake_is_not_tried_again(daemons: Slurm) -> None:
    assert daemons.run(script(daemons, ends=[78, 0], restarts=5)) == "FAILED"
    assert len(daemons.starts(0)) == 1
