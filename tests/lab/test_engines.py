"""Programs of others from penstock's own manifests, as pods: a fake of each serving engine, and a command that trains.

Of a pod only its places are changed: a node of the lab, a folder of this machine for the volume, no devices.
"""

import copy
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from components.kubernetes.api import KubernetesApi, Object
from components.serving import engines
from components.spec.inference import EngineKind
from components.spec.scheduler import SchedulerKind
from tests.contract.scheduler_cases import gangs, job, pool
from tests.contract.test_schedulers import render as render_job
from tests.lab.node.pods import HELD, ended, exit_code, node_names, ready, remove, until
from tests.unit.components.test_serving_engines import OTHERS, pod_of, render

FAKE = Path(__file__).with_name("fake_engine.py")
FACTS = Path(engines.__file__).with_name("facts.json")
PROGRAMS = "/engine"
PATH = f"{PROGRAMS}/bin:{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
SPACE = "default"


@pytest.fixture(autouse=True)
def _clean(api: KubernetesApi) -> Iterator[None]:
    yield
    for pod in api.list("v1", "Pod", SPACE):
        free = {"name": pod["metadata"]["name"], "namespace": SPACE, "finalizers": None}
        api.patch({"apiVersion": "v1", "kind": "Pod", "metadata": free})
        remove(api, pod["metadata"]["name"])
    until(lambda: not api.list("v1", "Pod", SPACE))


def programs(folder: Path) -> Path:
    """Folder with the fake in place of the engines' own programs."""
    for place in ("bin/vllm", "sglang/launch_server.py"):
        file = folder / place
        file.parent.mkdir(parents=True)
        shutil.copy(FAKE, file)
        file.chmod(0o755)
        shutil.copy(FACTS, file.parent)
    return folder


def placed(
    api: KubernetesApi, name: str, spec: Any, volume: str, folder: Path, finalizers: Sequence[str] = ()
) -> Object:
    """The pod of that spec, made on a node of the lab, with a folder for its volume."""
    body = copy.deepcopy(dict(spec))
    for key in ("nodeSelector", "topologySpreadConstraints", "tolerations"):
        body.pop(key, None)
    (container,) = body["containers"]
    container |= {"image": "python:3.13", "resources": {}}
    kept = ("emptyDir", "configMap", "hostPath")
    body["volumes"] = [
        {"name": one["name"], "hostPath": {"path": str(folder)}} if one["name"] == volume else one
        for one in body["volumes"]
        if one["name"] == volume or any(kind in one for kind in kept)
    ]
    names = {one["name"] for one in body["volumes"]}
    container["volumeMounts"] = [one for one in container["volumeMounts"] if one["name"] in names]
    body |= {"nodeName": node_names(api)[0], "restartPolicy": "Never"}
    # As the controller of an Indexed Job marks its pods.
    marks = {"batch.kubernetes.io/job-completion-index": "0"}
    meta = {"name": name, "namespace": SPACE, "finalizers": list(finalizers), "annotations": marks}
    until(lambda: api.get("v1", "ServiceAccount", "default", SPACE))
    return api.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": body})


@pytest.mark.parametrize("engine", OTHERS)
def test_an_engine_becomes_ready_by_its_probes_and_hears_the_word_to_go(
    engine: EngineKind, api: KubernetesApi, tmp_path: Path
) -> None:
    spec = copy.deepcopy(dict(pod_of(render(engine))))
    (container,) = spec["containers"]
    container["env"] += [{"name": "PATH", "value": PATH}, {"name": "PYTHONPATH", "value": PROGRAMS}]
    spec["volumes"].append({"name": "programs", "hostPath": {"path": str(programs(tmp_path / "programs"))}})
    container["volumeMounts"].append({"name": "programs", "mountPath": PROGRAMS})
    (tmp_path / "model").mkdir()
    placed(api, "engine", spec, "model", tmp_path / "model", finalizers=[HELD])
    assert ready(api, "engine")
    api.delete("v1", "Pod", "engine", SPACE, propagation="Background")
    assert exit_code(ended(api, "engine")) == 0


def test_a_command_trains_and_leaves_its_status_on_the_volume(api: KubernetesApi, tmp_path: Path) -> None:
    program = "import os; print('rank', os.environ['RANK'], 'of', os.environ['WORLD_SIZE'])"
    config = {
        "command": ["python3", "-c", program],
        "nodes": 1,
        "ranksPerNode": 2,
        "runFolder": "/fsx/run",
        "stopS": 20,
    }
    one = job(command=("python3",), program=(), nodes=1, config=config)
    manifests = render_job(SchedulerKind.KUEUE, one, pool())
    ((_, template),) = gangs(manifests)
    (files,) = [manifest for manifest in manifests if manifest["kind"] == "ConfigMap"]
    meta = {"name": files["metadata"]["name"], "namespace": SPACE}
    api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": files["data"]})
    (volume,) = [
        mount["name"]
        for mount in template["spec"]["containers"][0]["volumeMounts"]
        if mount["mountPath"] == one.mount_path
    ]
    placed(api, "command", template["spec"], volume, tmp_path)
    assert exit_code(ended(api, "command")) == 0
    status = json.loads((tmp_path / "run/status.json").read_text())
    assert (status["state"], status["worldSize"], status["attempt"]) == ("finished", 2, 1)
