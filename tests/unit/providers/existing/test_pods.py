"""`existing.pods`: what it makes of the binding, and what is refused."""

import re
from typing import Any

import pytest

from components.errors import SpecError
from components.kubernetes.api import ApiError
from components.plan.cluster import HostPath, Mount, PodBinding, ResourceClaim, Sidecar
from components.pods.bind import bind
from components.spec.stack import parse_stack
from providers import clouds
from providers.existing.pods import needed_objects
from providers.existing.preflight import _missing_objects
from stacks.plan import plan_stack
from tests.clock import NOW

EVERYTHING: dict[str, Any] = {
    "hugePagesMib": 4096,
    "env": {"NCCL_IB_HCA": "mlx5"},
    "mounts": [{"claim": "scratch", "path": "/scratch"}],
    "annotations": {"k8s.v1.cni.cncf.io/networks": "roce-0"},
    "labels": {"example.org/tenant": "research"},
    "hostPaths": [{"path": "/opt/nccl", "mountPath": "/usr/local/nccl", "readOnly": False, "kind": "Directory"}],
    "sidecars": [
        {
            "name": "receive", "image": "r.example/receive:1", "command": ["/run"], "env": {"A": "1"},
            "hostPaths": [{"path": "/dev/aperture"}], "sharedPaths": ["/run/tcpx"], "capabilities": ["NET_ADMIN"],
            "privileged": True,
        }
    ],
    "resourceClaims": [{"name": "nics", "template": "eight-nics"}],
    "capabilities": ["SYS_RESOURCE"],
    "privileged": True,
    "hostNetwork": True,
    "imagePullSecrets": ["registry"],
    "serviceAccount": "trainer",
}  # fmt: skip


def plan(pods: dict[str, Any], *, pool: str = "train", version: str = "1.34", **machine: Any) -> PodBinding:
    described = {
        "cores": 96, "memoryGib": 1000, "accelerator": "h100", "acceleratorCount": 8, "fabricGbps": 3200,
        "devices": {"nvidia.com/gpu": 8, "rdma/vf": 8},
    } | machine  # fmt: skip
    config = {
        "penstock:cluster": {
            "cloud": "existing",
            "nodePools": [{"name": "train", "machineType": "hgx", "count": 2, "taints": [{"key": "own"}]}],
        },
        "penstock:existing": {
            "version": version, "machines": {"hgx": described}, "poolSelectors": {"train": {"role": "train"}},
            "volume": {"hostPath": "/srv/data", "mountPath": "/data"}, "pods": {pool: pods},
        },
    }  # fmt: skip
    spec = parse_stack(config, "Pulumi.own.yaml", clouds())
    return plan_stack(spec, "own", NOW).cluster.node_pools[0].binding


def test_every_field_of_a_binding_can_be_stated() -> None:
    found = plan(EVERYTHING)
    assert found.huge_pages_mib == 4096
    assert found.env == {"NCCL_IB_HCA": "mlx5"}
    assert found.mounts == (Mount(volume="scratch", path="/scratch"),)
    assert found.annotations == {"k8s.v1.cni.cncf.io/networks": "roce-0"}
    assert found.labels == {"example.org/tenant": "research"}
    assert found.host_paths == (
        HostPath(path="/opt/nccl", mount_path="/usr/local/nccl", read_only=False, kind="Directory"),
    )
    assert found.sidecars == (
        Sidecar(
            name="receive", image="r.example/receive:1", command=("/run",), env={"A": "1"},
            host_paths=(HostPath(path="/dev/aperture", mount_path="/dev/aperture"),), shared_paths=("/run/tcpx",),
            capabilities=("NET_ADMIN",), privileged=True,
        ),
    )  # fmt: skip
    assert found.resource_claims == (ResourceClaim(name="nics", template="eight-nics"),)
    assert (found.capabilities, found.privileged, found.host_network) == (("SYS_RESOURCE",), True, True)
    assert (found.image_pull_secrets, found.service_account) == (("registry",), "trainer")
    left = {name for name in PodBinding.__dataclass_fields__ if getattr(found, name) == getattr(PodBinding(), name)}
    assert left == {"topology_keys"}, "a field that no key of a stack file fills"


def test_an_interface_is_named_on_the_pods_own_network_and_the_users_word_wins() -> None:
    assert plan({}).env == {"NCCL_SOCKET_IFNAME": "eth0", "GLOO_SOCKET_IFNAME": "eth0"}
    assert plan({"hostNetwork": True}).env == {}
    assert plan({"env": {"NCCL_SOCKET_IFNAME": "net1"}}).env["NCCL_SOCKET_IFNAME"] == "net1"


def test_a_fabric_that_comes_by_claims_needs_no_device() -> None:
    claims = {"resourceClaims": [{"name": "nics", "template": "eight-nics"}]}
    bare: dict[str, Any] = {"devices": {"nvidia.com/gpu": 8}, "fabric": "rdma"}
    assert plan(claims, **bare).resource_claims
    with pytest.raises(SpecError, match=r"existing.machines.hgx.fabric: 'rdma', but devices names none"):
        plan({}, **bare)


@pytest.mark.parametrize(
    ("pods", "path", "words"),
    [
        ({"env": {"2x": "1"}}, "env", "an environment variable such as"),
        ({"env": {"NODE_RANK": "1"}}, "env.NODE_RANK", "is set by penstock for each pod"),
        ({"env": {"MASTER_ADDR": "a"}}, "env.MASTER_ADDR", "is set by penstock for each rank; choose another name"),
        ({"env": {"LOCAL_RANK": "0"}}, "env.LOCAL_RANK", "is set by penstock for each rank"),
        ({"env": {"JOB_COMPLETION_INDEX": "0"}}, "env.JOB_COMPLETION_INDEX", "is set by Kubernetes for each pod"),
        ({"env": {"PENSTOCK_FOLDER": "/x"}}, "env.PENSTOCK_FOLDER", "is penstock's own; choose another name"),
        ({"labels": {"a b": "x"}}, "labels", "is not a key of Kubernetes"),
        ({"labels": {"tenant": "no spaces"}}, "labels", "is not a value of Kubernetes"),
        ({"labels": {"penstock.dev/job": "x"}}, "labels.penstock.dev/job", "is penstock's own"),
        ({"labels": {"kai.scheduler/queue": "x"}}, "labels.kai.scheduler/queue", "is the scheduler's own"),
        ({"labels": {"job-name": "x"}}, "labels.job-name", "is the scheduler's own"),
        ({"labels": {"controller-uid": "x"}}, "labels.controller-uid", "is the scheduler's own"),
        ({"labels": {"batch.kubernetes.io/job-name": "x"}}, "labels.batch.kubernetes.io/job-name", "the scheduler's"),
        (
            {"annotations": {"kueue.x-k8s.io/podset-preferred-topology": "x"}},
            "annotations.kueue.x-k8s.io/podset-preferred-topology", "is the scheduler's own",
        ),
        ({"annotations": {"a": "x" * 262_144}}, "annotations", "262145 bytes, and an object has 262144 at most"),
        ({"hostPaths": [{"path": "/etc/../root"}]}, "hostPaths", "an absolute path of the node without .."),
        ({"hostPaths": [{"path": "relative"}]}, "hostPaths", "an absolute path of the node without .."),
        ({"hostPaths": [{"path": "/dev/termination-log"}]}, "hostPaths.0.mountPath", "is mounted by penstock itself"),
        ({"hostPaths": [{"path": "/opt/a", "mountPath": "/data"}]}, "hostPaths.0.mountPath", "is mounted by penstock"),
        ({"hostPaths": [{"path": "/opt"}, {"path": "/srv", "mountPath": "/opt"}]}, "hostPaths", "is there twice"),
        ({"hostPaths": [{"path": "/dev"}]}, "hostPaths.0.mountPath", "'/dev' would cover /dev/shm, which penstock has"),
        ({"hostPaths": [{"path": "/etc/penstock/x"}]}, "hostPaths.0.mountPath", "is within /etc/penstock, which is"),
        (
            {"hostPaths": [{"path": "/opt", "mountPath": "/data/penstock/own/runs"}]}, "hostPaths.0.mountPath",
            "'/data/penstock/own/runs' is within /data/penstock, which is penstock's own; choose another path",
        ),
        (
            {"mounts": [{"claim": "c", "path": "/data/penstock"}]}, "mounts.0.path", "is within /data/penstock, which",
        ),
        (
            {"sidecars": [{"name": "a", "image": "x", "sharedPaths": ["/dev"]}]}, "sidecars.a.sharedPaths",
            "'/dev' would cover /dev/shm",
        ),
        (
            {"sidecars": [{"name": "a", "image": "x", "hostPaths": [{"path": "/a"}] * 2}]},
            "sidecars.a.hostPaths", "'/a' is there twice; leave one out",
        ),
        (
            {"sidecars": [{"name": "a", "image": "x", "sharedPaths": ["/a", "/a"]}]}, "sidecars.a.sharedPaths",
            "'/a' is there twice; leave one out",
        ),
        (
            {"sidecars": [{"name": "a", "image": "x", "hostPaths": [{"path": "/a"}], "sharedPaths": ["/a"]}]},
            "sidecars.a.sharedPaths", "'/a' is there twice; leave one out",
        ),
        ({"hostPaths": [{"path": "/opt", "kind": "Folder"}]}, "hostPaths", "'Folder' is not one of"),
        ({"sidecars": [{"name": "node", "image": "x"}]}, "sidecars.node.name", "the name of a container of penstock's"),
        ({"capabilities": ["CAP_NET_ADMIN"]}, "capabilities", "did you mean 'NET_ADMIN'"),
        ({"imagePullSecrets": ["Registry"]}, "imagePullSecrets", "the name of a Kubernetes object"),
        ({"serviceAccount": "a/b"}, "serviceAccount", "the name of a Kubernetes object"),
        ({"hugePagesMib": 3}, "hugePagesMib", "3 is not a multiple of 2; take 4"),
        (
            {"hugePagesMib": 1_024_000}, "hugePagesMib",
            "1024000 leaves nothing of hgx's memory, which is 1024000 MiB; ask for less",
        ),
        ({"hostNetwrok": True}, "hostNetwrok", "unknown key; did you mean 'hostNetwork'?"),
        ({"hostPaths": [{"path": "/a", "knd": "File"}]}, "hostPaths.0.knd", "unknown key; did you mean 'kind'?"),
        ({"zzz": 1}, "zzz", "unknown key; known are annotations, capabilities, env, "),
        ({"capabilities": "SYS_ADMIN"}, "capabilities", "'SYS_ADMIN' is not a list; write a list: [SYS_ADMIN]"),
        ({"mounts": {"claim": "c"}}, "mounts", """{"claim": "c"} is not a list; write a list: [{"claim": "c"}]"""),
        ({"mounts": {"a": {"claim": "c"}}}, "mounts", "is not a list; write a list, each entry after `- `"),
        ({"mounts": ["c"]}, "mounts.0", "'c' is not a mapping of keys to values; write keys with their values: cl"),
        ({"env": [{"name": "A"}]}, "env", "is not a mapping of keys to values; write `key: value` for each"),
    ],
)  # fmt: skip
def test_what_kubernetes_would_refuse_is_refused_by_its_path(pods: dict[str, Any], path: str, words: str) -> None:
    with pytest.raises(SpecError) as refusal:
        plan(pods)
    assert f"penstock:existing.pods.train.{path}" in str(refusal.value)
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    "pods",
    [
        {"hugePagesMib": 1_023_998},
        {"hostPaths": [{"path": "/devices"}, {"path": "/dev/infiniband"}, {"path": "/etc/penstock-more"}]},
        {"mounts": [{"claim": "sets", "path": "/data/sets"}, {"claim": "more", "path": "/data/penstock-more"}]},
        {"env": {"OMP_NUM_THREADS": "8", "NCCL_DEBUG": "INFO"}},
        {"sidecars": [{"name": name, "image": "x", "sharedPaths": ["/run/both"]} for name in ("a", "b")]},
    ],
)  # fmt: skip
def test_what_hides_nothing_of_penstocks_is_planned(pods: dict[str, Any]) -> None:
    assert plan(pods) != plan({})


@pytest.mark.parametrize("claim", ["shm", "scratch.of.research", "s" * 64])
def test_a_claim_whose_name_no_volume_of_a_pod_can_have_is_mounted(claim: str) -> None:
    own = {"name": "shm", "emptyDir": {}}
    pod = {"spec": {"containers": [{"name": "node"}], "volumes": [own]}}
    spec = bind(pod, plan({"mounts": [{"claim": claim, "path": "/scratch"}]}), container="node")["spec"]
    (mounted,) = spec["containers"][0]["volumeMounts"]
    assert spec["volumes"] == [own, {"name": mounted["name"], "persistentVolumeClaim": {"claimName": claim}}]
    assert re.fullmatch(r"[a-z0-9-]{1,63}", mounted["name"])


def test_a_misspelled_key_of_a_machine_is_told_with_the_right_one() -> None:
    with pytest.raises(SpecError, match=r"machines\.hgx\.acceleratorCnt: unknown key; did you mean 'acceleratorCount'"):
        plan({}, acceleratorCnt=8)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(SpecError) as refusal:
        plan(EVERYTHING | {"env": {"POD_IP": "1"}, "labels": {"penstock.dev/x": "1"}}, pool="trian", version="1.33")
    told = str(refusal.value)
    assert "existing.pods.trian: 'trian' is not a pool of this stack; did you mean 'train'?" in told
    assert "existing.pods.trian.env.POD_IP" in told
    assert "existing.pods.trian.labels.penstock.dev/x" in told
    assert "existing.pods.trian.resourceClaims: need Kubernetes 1.34, and the cluster has 1.33" in told


def test_preflight_names_an_object_that_is_missing() -> None:
    class Api:
        def get(self, api_version: str, kind: str, name: str, namespace: str) -> dict[str, Any] | None:
            return {} if kind == "Secret" else None

    config: Any = {
        "penstock:cluster": {"cloud": "existing", "nodePools": [{"name": "train", "machineType": "hgx", "count": 1}]},
        "penstock:existing": {
            "version": "1.34", "machines": {"hgx": {"cores": 8, "memoryGib": 32}}, "pods": {"train": EVERYTHING},
        },
    }  # fmt: skip
    spec = parse_stack(config, "Pulumi.own.yaml", clouds())
    made: Any = plan_stack(spec, "own", NOW)
    api: Any = Api()
    found = list(_missing_objects(made, made.cluster, api))
    assert [one.path for one in found] == [
        f"existing.pods.train.{key}" for key in ("mounts", "resourceClaims", "serviceAccount")
    ]
    assert "ServiceAccount 'trainer' in the namespace penstock is not there; make it there first" in found[-1].message
    assert all(one.stops for one in found)
    assert len(list(needed_objects(made.cluster.settings.pods["train"]))) == 4


def test_an_object_that_may_not_be_seen_is_told_and_not_taken_for_there() -> None:
    class Api:
        def get(self, *_: str) -> None:
            raise ApiError(403, "Forbidden", "secrets is forbidden")

    config: Any = {
        "penstock:cluster": {"cloud": "existing", "nodePools": [{"name": "train", "machineType": "hgx", "count": 1}]},
        "penstock:existing": {
            "version": "1.34", "machines": {"hgx": {"cores": 8, "memoryGib": 32}},
            "pods": {"train": {"imagePullSecrets": ["registry"]}},
        },
    }  # fmt: skip
    made: Any = plan_stack(parse_stack(config, "Pulumi.own.yaml", clouds()), "own", NOW)
    api: Any = Api()
    (found,) = _missing_objects(made, made.cluster, api)
    assert (found.path, found.stops) == ("existing.pods.train.imagePullSecrets", False)
    assert "may be missing: these credentials may not look (secrets is forbidden)" in found.message


def slurm_stack(volume: dict[str, Any]) -> Any:
    machine = {"cores": 32, "memoryGib": 256, "accelerator": "h100", "acceleratorCount": 8,
               "devices": {"nvidia.com/gpu": 8}}  # fmt: skip
    config = {
        "cluster": {"cloud": "existing", "nodePools": [{"name": "hpc", "machineType": "box", "count": 1}]},
        "existing": {"version": "1.34", "machines": {"box": machine}, "volume": {**volume, "mountPath": "/scratch"}},
        "scheduler": {"kind": "slurm"},
    }
    return plan_stack(
        parse_stack({f"penstock:{key}": value for key, value in config.items()}, "x", clouds()), "mine", NOW
    )


def test_slurms_nodes_mount_the_volume_and_a_volume_that_cannot_be_there_is_refused() -> None:
    planned = slurm_stack({"nfs": {"server": "files.example.org", "path": "/export"}})
    (pool,) = planned.cluster.node_pools
    assert [mount.path for mount in pool.binding.mounts] == ["/scratch"]
    with pytest.raises(SpecError, match=r"existing\.volume\.storageClass: 'fast' fills each claim with a volume of"):
        slurm_stack({"storageClass": "fast", "sizeGib": 100})
