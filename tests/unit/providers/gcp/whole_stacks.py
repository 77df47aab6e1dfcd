"""A whole stack file on GCP without a mistake, changed at one place or several."""

from typing import Any

RESERVED: dict[str, Any] = {"reservation": {"id": "projects/my-project/reservations/h200", "zone": "us-central1-b"}}
BLOCK: dict[str, Any] = {
    "capacityBlock": {
        "id": "projects/my-project/reservations/h200", "zone": "us-central1-b", "startsAt": "2027-01-04T11:30:00Z",
        "endsAt": "2027-01-18T11:30:00Z",
    }
}  # fmt: skip
GIVEN: dict[str, Any] = {
    "network": "shared", "subnet": "nodes", "podsRange": "pods", "servicesRange": "services", "project": "net-project",
}  # fmt: skip

STACK: dict[str, Any] = {
    "cluster": {
        "cloud": "gcp",
        "region": "us-central1",
        "expiresAt": "2027-06-01T00:00:00Z",
        "budgetUsdPerHour": 500,
        "nodePools": [
            {"name": "train", "machineType": "a3-ultragpu-8g", "count": 4, "capacity": RESERVED},
            {"name": "serve", "machineType": "g2-standard-8", "zone": "us-central1-b", "capacity": "spot"},
        ],
    },
    "storage": {
        "fileSystem": {"capacityTib": 18, "throughputMbpsPerTib": 500, "onDestroy": "delete"},
        "objectStore": {"onDestroy": "delete"},
    },
    "gcp": {
        "project": "my-project",
        "controlPlane": {"reach": {"dnsEndpoint": {}}},
        "labels": {"team": "research"},
    },
}
"""No mistake in it."""
TRAIN, SERVE = "cluster.nodePools.0", "cluster.nodePools.1"
"""In changes; in paths of problems, pools go by their names."""
SLICES: dict[str, Any] = {
    "cluster.nodePools.0": {"name": "train", "machineType": "ct6e-standard-4t", "count": 8, "zone": "us-central1-b"},
    "gcp.pools": {"train": {"topology": "4x4"}},
}
"""The first pool is two slices of TPU v6e."""
