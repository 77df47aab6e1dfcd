"""Google's NCCL plugin for RDMA (gIB) on the nodes: a daemon set that copies it there. Pure.

Source: GoogleCloudPlatform/container-engine-accelerators 992db81 (2026-06-11), gpudirect-rdma, for image, folders and
the installer's own command.
"""

from components.labels import OWN_LABELS, POOL_LABEL, SKIP_AWAIT
from components.plan.kubernetes import Manifest

IMAGE = "us-docker.pkg.dev/gce-ai-infra/gpudirect-gib/nccl-plugin-gib:v1.1.1"
"""All pods of a job have one version of it, which the node's folder settles; nodes/binding.py sets what it needs."""
PAUSE = "gke.gcr.io/pause:3.8@sha256:880e63f94b145e46f1b1082bb71b85e21f16b99b180b9996407d61240ceb9830"
NAME = "penstock-gib"
_NODE = "/home/kubernetes/bin"
_SCRIPT = """set -e
for card in 0 1 2 3 4 5 6 7; do sysctl -w "net.ipv4.conf.gpu${card}rdma0.log_martians=0" || true; done
/scripts/container_entry.sh install --install-nccl
cp -r /var/lib/gib/lib64/. /host/nvidia/lib64
cp -r /var/lib/gib/. /host/gib
"""


def installer(pools: list[str]) -> Manifest:
    """The daemon set for nodes of these pools. It is not waited for: the acceptance gate sees a node without it by its
    bandwidth."""
    labels = {"app": NAME}
    terms = [{"matchExpressions": [{"key": POOL_LABEL, "operator": "In", "values": sorted(pools)}]}]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    folders = {"driver": f"{_NODE}/nvidia/lib64", "gib": f"{_NODE}/gib"}
    paths = {"driver": "/host/nvidia/lib64", "gib": "/host/gib"}
    install = {
        "name": "install",
        "image": IMAGE,
        "command": ["/bin/sh", "-c", _SCRIPT],
        "securityContext": {"privileged": True},
        "resources": {"requests": {"cpu": "150m", "memory": "256Mi"}},
        "volumeMounts": [{"name": name, "mountPath": path} for name, path in paths.items()],
    }
    stay = {"name": "stay", "image": PAUSE, "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}}}
    pod = {
        "priorityClassName": "system-node-critical",
        "hostNetwork": True,
        "affinity": {"nodeAffinity": required},
        "tolerations": [{"operator": "Exists"}],
        "initContainers": [install],
        "containers": [stay],
        "volumes": [
            {"name": name, "hostPath": {"path": path, "type": "DirectoryOrCreate"}} for name, path in folders.items()
        ],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {
            "name": NAME, "namespace": "kube-system", "labels": dict(OWN_LABELS), "annotations": {SKIP_AWAIT: "true"},
        },
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }  # fmt: skip
