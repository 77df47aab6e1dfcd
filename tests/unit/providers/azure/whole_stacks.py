"""A whole stack file on Azure without a mistake, changed at one place or several."""

from typing import Any

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
TENANT, GROUP = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
COMPUTE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shared/providers/Microsoft.Compute"
RESERVED: dict[str, Any] = {"reservation": {"id": f"{COMPUTE}/capacityReservationGroups/cpus"}}
BLOCK: dict[str, Any] = {
    "capacityBlock": {"id": "b", "zone": "1", "startsAt": "2027-01-04T11:30:00Z", "endsAt": "2027-01-18T11:30:00Z"}
}
NETWORK = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/shared"
GIVEN: dict[str, Any] = {
    "network": NETWORK, "nodesSubnet": "nodes", "apiServerSubnet": "api", "fileSystemSubnet": "lustre",
}  # fmt: skip

STACK: dict[str, Any] = {
    "cluster": {
        "cloud": "azure",
        "region": "eastus2",
        "expiresAt": "2027-06-01T00:00:00Z",
        "budgetUsdPerHour": 1000,
        "nodePools": [
            {"name": "train", "machineType": "Standard_ND96isr_H200_v5", "count": 4, "zone": "1"},
            {"name": "serve", "machineType": "Standard_NC40ads_H100_v5", "zone": "1", "capacity": "spot"},
        ],
    },
    "storage": {
        "fileSystem": {"capacityTib": 16, "throughputMbpsPerTib": 250, "onDestroy": "delete"},
        "objectStore": {"onDestroy": "delete"},
    },
    "azure": {
        "subscription": SUBSCRIPTION,
        "controlPlane": {"reach": {"publicCidrs": ["203.0.113.0/24"]}},
        "tags": {"team": "research"},
    },
}
"""No mistake in it."""
TRAIN, SERVE = "cluster.nodePools.0", "cluster.nodePools.1"
"""In changes; in paths of problems, pools go by their names."""
