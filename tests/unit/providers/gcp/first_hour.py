"""Mistakes of somebody's first hour on Google Cloud: changes, path, words of the refusal, and the remedy."""

from typing import Any

from tests.unit.providers.aws.whole_stacks import GONE
from tests.unit.providers.gcp.whole_stacks import BLOCK, RESERVED, SERVE, SLICES, TRAIN
from tests.unit.providers.gcp.wrong_stacks import FLEX, JAX, SERVING, TRAINING, Case

LINK = "https://www.googleapis.com/compute/v1/projects/my-project/zones/us-central1-b/reservations/h200"
ID, REACH = f"{TRAIN}.capacity.reservation.id", "gcp.controlPlane.reach"
EMPTY = {place: value for place, value in FLEX.items() if place != "gcp.pools"}
L4: dict[str, Any] = {f"{SERVE}.machineType": "g2-standard-4"}

MACHINES: list[Case] = [
    ("an accelerator's name", {f"{SERVE}.machineType": "nvidia-l4"}, f"{SERVING}.machineType",
     ["no machine type", "g2-standard-4"], L4),
    ("an accelerator in short", {f"{SERVE}.machineType": "h100"}, f"{SERVING}.machineType", ["a3-highgpu-1g"],
     {f"{SERVE}.machineType": "a3-highgpu-1g"}),
    ("a TPU by its chips", {f"{SERVE}.machineType": "v6e-1"}, f"{SERVING}.machineType", ["ct6e-standard-1t"],
     {f"{SERVE}.machineType": "ct6e-standard-1t"}),
    ("an older family of Google's", {f"{SERVE}.machineType": "n1-standard-8"}, f"{SERVING}.machineType",
     ["that penstock knows", "n2"], {f"{SERVE}.machineType": "n2-standard-8"}),
    ("capital letters", {f"{SERVE}.machineType": "G2-standard-4"}, f"{SERVING}.machineType", ["write 'g2-standard-4'"],
     L4),
]  # fmt: skip

PLACES: list[Case] = [
    ("a reservation by its link", {ID: LINK}, f"{TRAINING}.capacity.reservation.id",
     ["write projects/my-project/reservations/h200"], {f"{TRAIN}.capacity": RESERVED}),
    ("a reservation by its zone", {ID: LINK.partition("v1/")[2]}, f"{TRAINING}.capacity.reservation.id",
     ["write projects/my-project/reservations/h200"], {f"{TRAIN}.capacity": RESERVED}),
    ("a reservation of a project's number", {ID: "projects/123456/reservations/h200"},
     f"{TRAINING}.capacity.reservation.id", ["the project's id"], {f"{TRAIN}.capacity": RESERVED}),
    ("a reservation in another region", {f"{TRAIN}.capacity.reservation.zone": "us-east5-a"},
     f"{TRAINING}.capacity.reservation.zone", ["no zone of us-central1", "cluster.region"],
     {f"{TRAIN}.capacity": RESERVED}),
    ("a block in another region", {f"{TRAIN}.capacity": BLOCK, f"{TRAIN}.capacity.capacityBlock.zone": "us-east5-a"},
     f"{TRAINING}.capacity.capacityBlock.zone", ["no zone of us-central1"], {f"{TRAIN}.capacity": BLOCK}),
    ("a bucket of a stack's name that Google refuses", {"storage.objectStore.name": "google-data"},
     "storage.objectStore.name", ["Google's own name"], {"storage.objectStore.name": GONE}),
]  # fmt: skip

KEYS: list[Case] = [
    ("flex start beside the count", {**EMPTY, f"{TRAIN}.flexStart": {}}, f"{TRAINING}.flexStart",
     ["penstock:gcp: {pools: {NAME: {flexStart: ...}}}", "move it there"],
     {f"{TRAIN}.flexStart": GONE, "gcp.pools": {"train": {"flexStart": {}}}}),
    ("flex start as a capacity", {**EMPTY, f"{TRAIN}.capacity": "flexStart"}, f"{TRAINING}.capacity",
     ["penstock:gcp: {pools: {NAME: {flexStart: ...}}}"],
     {f"{TRAIN}.capacity": GONE, "gcp.pools": {"train": {"flexStart": {}}}}),
    ("flex start among capacities", {**EMPTY, f"{TRAIN}.capacity": {"flexStart": {}}},
     f"{TRAINING}.capacity.flexStart", ["move it there"],
     {f"{TRAIN}.capacity": GONE, "gcp.pools": {"train": {"flexStart": {}}}}),
    ("topology beside the count", {TRAIN: SLICES[TRAIN], f"{TRAIN}.topology": "4x4"}, f"{TRAINING}.topology",
     ["{topology: ...}"], {f"{TRAIN}.topology": GONE, "gcp.pools": {"train": {"topology": "4x4"}}}),
    ("driver beside the count", {f"{TRAIN}.driver": "latest"}, f"{TRAINING}.driver", ["{driver: ...}"],
     {f"{TRAIN}.driver": GONE, "gcp.pools": {"train": {"driver": "latest"}}}),
    ("a way in that is true", {REACH: {"dnsEndpoint": True}}, f"{REACH}.dnsEndpoint", ["write {}"],
     {REACH: {"dnsEndpoint": {}}}),
    ("no way in at all", {REACH: {}}, REACH, ["exactly one of dnsEndpoint, publicCidrs and inside"],
     {REACH: {"dnsEndpoint": {}}}),
    ("a label with an address", {"gcp.labels": {"owner": "me@example.com"}}, "gcp.labels.owner",
     ["write 'me-example-com'"], {"gcp.labels": {"owner": "me-example-com"}}),
    ("a label's key in capitals", {"gcp.labels": {"Team": "x"}}, "gcp.labels.Team", ["write 'team'"],
     {"gcp.labels": {"team": "x"}}),
    ("own trainer on TPUs, and nothing that follows of it",
     {**SLICES, "training": {"pool": "train", "nodes": 8}}, "training.pool", ["engine: command"], {"training": JAX}),
]  # fmt: skip

BOTH: list[Case] = [
    ("flex start and a block", {**FLEX, f"{TRAIN}.capacity": BLOCK}, "gcp.pools.train.flexStart",
     ["leave that out, or remove flexStart"], {f"{TRAIN}.capacity": GONE}),
]  # fmt: skip

CASES = [*MACHINES, *PLACES, *KEYS, *BOTH]
