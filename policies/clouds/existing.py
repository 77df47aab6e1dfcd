"""Facts of a cluster that is there already, on whichever cloud it runs."""

from typing import Final

from policies.facts import CloudReader

FACTS: Final = CloudReader(
    name="existing",
    accelerator_devices=("nvidia.com/gpu",),
    internal_services={
        "networking.gke.io/load-balancer-type": "Internal",
        "service.beta.kubernetes.io/azure-load-balancer-internal": "true",
    },
)
