"""A whole stack file with Cluster Director without a mistake, and mistakes: changes, path, words, remedy."""

from typing import Any

from tests.unit.providers.aws.whole_stacks import GONE
from tests.unit.providers.gcp.whole_stacks import BLOCK, GIVEN, RESERVED

Case = tuple[str, dict[str, Any], str, list[str], dict[str, Any]]
TRAIN, PREPARE = "cluster.nodePools.0", "cluster.nodePools.1"
TRAINING, PREPARING = "cluster.nodePools.train", "cluster.nodePools.prepare"
FLEX: dict[str, Any] = {f"{TRAIN}.capacity": "onDemand", "gcp.pools": {"train": {"flexStart": {"maxRunHours": 24}}}}
BLOCK_OF_ONE = {
    "reservation": {**RESERVED["reservation"], "id": "projects/my-project/reservations/h200/reservationBlocks/b"}
}

SLURM: dict[str, Any] = {
    "cluster": {
        "cloud": "gcp",
        "region": "us-central1",
        "expiresAt": "2027-06-01T00:00:00Z",
        "nodePools": [
            {"name": "train", "machineType": "a3-ultragpu-8g", "count": 1, "maxCount": 4, "zone": "us-central1-b",
             "capacity": "spot"},
            {"name": "prepare", "machineType": "n2-standard-16", "count": 0, "maxCount": 2},
        ],
    },
    "storage": {
        "sharedFileSystem": {"mountPath": "/home", "onDestroy": "delete"},
        "fileSystem": {"capacityTib": 18, "throughputMbpsPerTib": 500, "onDestroy": "delete"},
        "objectStore": {"mountPath": "/objects", "onDestroy": "delete"},
    },
    "gcp": {
        "project": "my-project",
        "controlPlane": {"kind": "clusterDirector"},
        "labels": {"team": "research"},
    },
}  # fmt: skip
"""No mistake in it."""

CASES: list[Case] = [
    ("unknown control plane", {"gcp.controlPlane.kind": "slurm"}, "gcp.controlPlane.kind", ["clusterDirector"],
     {"gcp.controlPlane.kind": "clusterDirector"}),
    ("a key of GKE's", {"gcp.controlPlane.reach": {"dnsEndpoint": {}}}, "gcp.controlPlane.reach",
     ["belongs to kind gke"], {"gcp.controlPlane.reach": GONE}),
    ("no login node", {"gcp.controlPlane.loginNodes": 0}, "gcp.controlPlane.loginNodes", ["1"],
     {"gcp.controlPlane.loginNodes": 2}),
    ("no project", {"gcp.project": GONE}, "gcp.project", ["required"], {"gcp.project": "my-project"}),
    ("no shared home", {"storage.sharedFileSystem.mountPath": "/shared"}, "storage", ["/home", "mountPath: /home"],
     {"storage.sharedFileSystem.mountPath": "/home"}),
    ("home in a bucket",
     {"storage.sharedFileSystem": GONE, "storage.fileSystem": GONE, "storage.objectStore.mountPath": "/home"},
     "storage", ["/home", "Filestore"], {"storage.sharedFileSystem": {"mountPath": "/home"},
                                         "storage.objectStore.mountPath": "/objects"}),
    ("machines with L4", {f"{TRAIN}.machineType": "g2-standard-24"}, f"{TRAINING}.machineType",
     ["no machine type of Cluster Director's", "a4-highgpu-8g"], {f"{TRAIN}.machineType": "a4-highgpu-8g"}),
    ("NVLink domains", {f"{TRAIN}.machineType": "a4x-highgpu-4g"}, f"{TRAINING}.machineType", ["a3-megagpu-8g"],
     {f"{TRAIN}.machineType": "a3-megagpu-8g"}),
    ("TPUs", {f"{TRAIN}.machineType": "ct6e-standard-4t"}, f"{TRAINING}.machineType", ["no machine type of Cluster"],
     {f"{TRAIN}.machineType": "a3-ultragpu-8g"}),
    ("machine that nobody has", {f"{TRAIN}.machineType": "a3-ultra"}, f"{TRAINING}.machineType", ["a3-ultragpu-8g"],
     {f"{TRAIN}.machineType": "a3-ultragpu-8g"}),
    ("GPUs at list price", {f"{TRAIN}.capacity": "onDemand"}, f"{TRAINING}.capacity",
     ["flexStart or reservation or spot"], {f"{TRAIN}.capacity": "spot"}),
    ("processors by flex start", {"gcp.pools": {"prepare": {"flexStart": {}}}}, "gcp.pools.prepare.flexStart",
     ["onDemand or spot"], {"gcp.pools": GONE}),
    ("flex start beside spot", {"gcp.pools": {"train": {"flexStart": {}}}}, "gcp.pools.train.flexStart",
     ["another capacity"], FLEX),
    ("queued machines", {**FLEX, "gcp.pools": {"train": {"flexStart": {"queued": True}}}},
     "gcp.pools.train.flexStart.queued", ["Slurm itself has a queue"], FLEX),
    ("driver of its own", {"gcp.pools": {"train": {"driver": "latest"}}}, "gcp.pools.train.driver", ["the image has"],
     {"gcp.pools": GONE}),
    ("block of a reservation", {f"{TRAIN}.capacity": BLOCK_OF_ONE}, f"{TRAINING}.capacity.reservation.id",
     ["as a whole"], {f"{TRAIN}.capacity": RESERVED}),
    ("block by the calendar that is past",
     {f"{TRAIN}.maxCount": GONE,
      f"{TRAIN}.capacity": {"capacityBlock": {**BLOCK["capacityBlock"], "startsAt": "2024-01-04T11:30:00Z",
                                              "endsAt": "2024-01-18T11:30:00Z"}}},
     f"{TRAINING}.capacity.capacityBlock.endsAt", ["in the past"], {f"{TRAIN}.capacity": BLOCK}),
    ("placement", {f"{TRAIN}.placement": "create"}, f"{TRAINING}.placement", ["places machines itself"],
     {f"{TRAIN}.placement": GONE}),
    ("fabric that is waived", {f"{TRAIN}.fabric": {"none": "TCP is enough"}}, f"{TRAINING}.fabric", ["wires"],
     {f"{TRAIN}.fabric": GONE}),
    ("other machines of spot", {f"{TRAIN}.capacity": {"spot": {"alternatives": ["a4-highgpu-8g"]}}},
     f"{TRAINING}.capacity.spot", ["one machine type"], {f"{TRAIN}.capacity": "spot"}),
    ("partition with a dash", {f"{TRAIN}.name": "big-gpu"}, "cluster.nodePools.big-gpu.name", ["letters and digits"],
     {f"{TRAIN}.name": "biggpu"}),
    ("labels", {f"{TRAIN}.labels": {"example.com/a": "b"}}, f"{TRAINING}.labels", ["no node labels"],
     {f"{TRAIN}.labels": GONE}),
    ("taints", {f"{TRAIN}.taints": [{"key": "a"}]}, f"{TRAINING}.taints", ["no node taints"],
     {f"{TRAIN}.taints": GONE}),
    ("pools in two zones", {f"{PREPARE}.zone": "us-central1-a"}, f"{PREPARING}.zone", ["in one zone", "us-central1-b"],
     {f"{PREPARE}.zone": "us-central1-b"}),
    ("network of another zone", {"cluster.network.zones": ["us-central1-a"]}, "cluster.network.zones",
     ["pools are in us-central1-b"], {"cluster.network.zones": GONE}),
    ("zone for accelerators alone", {f"{TRAIN}.zone": "us-central1-ai1a"}, f"{TRAINING}.zone", ["login nodes"],
     {f"{TRAIN}.zone": "us-central1-b"}),
    ("version of Kubernetes", {"cluster.kubernetesVersion": "1.35"}, "cluster.kubernetesVersion", ["no Kubernetes"],
     {"cluster.kubernetesVersion": GONE}),
    ("penstock's Slurm", {"scheduler.kind": "slurm"}, "scheduler.kind", ["its own commands"],
     {"scheduler": GONE}),
    ("training run", {"training": {"pool": "train", "nodes": 1}}, "training", ["its own commands"],
     {"training": GONE}),
    ("service", {"inference": {"pool": "train", "replicas": 1, "model": {"path": "/home/m"}}}, "inference",
     ["its own commands"], {"inference": GONE}),
    ("add-ons", {"platform": {"addons": {"loki": True}}}, "platform.addons", ["no Kubernetes"], {"platform": GONE}),
    ("network that is there", {"cluster.network.existing": GIVEN}, "cluster.network.existing", ["not offered"],
     {"cluster.network": GONE}),
]  # fmt: skip
