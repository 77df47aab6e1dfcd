"""Global Accelerator. moto has nothing of it: all is kept."""

from typing import Any

from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.kind import CloudApi, Inputs, Made, Outputs, ResourceKind
from rehearsal.providers.aws.kinds.member_names import pascal
from rehearsal.providers.aws.kinds.parts import tag_list

ACCELERATOR = "aws:globalaccelerator/accelerator:Accelerator"
LISTENER = "aws:globalaccelerator/listener:Listener"
ENDPOINT_GROUP = "aws:globalaccelerator/endpointGroup:EndpointGroup"

_SERVICE = "globalaccelerator"
_NAMES = {"endpointConfigurations.clientIpPreservationEnabled": "ClientIPPreservationEnabled"}
_HOSTED_ZONE = "Z2BJ6XQ5FK7U4H"
"""Of all accelerators (AWS General Reference)."""


def _create_accelerator(api: CloudApi, inputs: Inputs) -> Made:
    api.keep(_SERVICE, "CreateAccelerator", {}, **_accelerator_request(inputs), Tags=tag_list(inputs))
    number = api.new_id("ga").rpartition("-")[2]
    arn = f"arn:aws:globalaccelerator::{api.account_id}:accelerator/{number}"
    addresses = [{"ipAddresses": ["192.0.2.1", "198.51.100.1"], "ipFamily": "IPv4"}]
    outputs = {
        "arn": arn,
        "dnsName": f"{number}.awsglobalaccelerator.com",
        "dualStackDnsName": f"{number}.dualstack.awsglobalaccelerator.com",
        "hostedZoneId": _HOSTED_ZONE,
        "ipSets": addresses,
    }
    return Made(id=arn, outputs=outputs)


def _update_accelerator(api: CloudApi, id: str, _old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    api.keep(_SERVICE, "UpdateAccelerator", {}, AcceleratorArn=id, **_accelerator_request(new))
    return {}


def _accelerator_request(inputs: Inputs) -> dict[str, Any]:
    if "attributes" in inputs:
        raise CloudApiError("InvalidArgumentException", "attributes: the simulated accelerator has no flow logs")
    return pascal(inputs, _NAMES)


def _delete_accelerator(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.keep(_SERVICE, "UpdateAccelerator", {}, AcceleratorArn=id, Enabled=False)
    api.keep(_SERVICE, "DeleteAccelerator", {}, AcceleratorArn=id)


def _create_listener(api: CloudApi, inputs: Inputs) -> Made:
    api.keep(_SERVICE, "CreateListener", {}, **pascal(inputs, _NAMES))
    arn = f"{inputs['acceleratorArn']}/listener/{api.new_id('gal').rpartition('-')[2][:8]}"
    return Made(id=arn, outputs={"arn": arn})


def _update_listener(api: CloudApi, id: str, _old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    request = {name: value for name, value in pascal(new, _NAMES).items() if name != "AcceleratorArn"}
    api.keep(_SERVICE, "UpdateListener", {}, ListenerArn=id, **request)
    return {}


def _delete_listener(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.keep(_SERVICE, "DeleteListener", {}, ListenerArn=id)


def _create_group(api: CloudApi, inputs: Inputs) -> Made:
    request = {"EndpointGroupRegion": api.region, **pascal(inputs, _NAMES)}
    api.keep(_SERVICE, "CreateEndpointGroup", {}, **request)
    arn = f"{inputs['listenerArn']}/endpoint-group/{api.new_id('gag').rpartition('-')[2][:12]}"
    return Made(id=arn, outputs={"arn": arn, "endpointGroupRegion": request["EndpointGroupRegion"]})


def _update_group(api: CloudApi, id: str, _old: Outputs, new: Inputs) -> Outputs:  # noqa: A002 (AWS's own word)
    fixed = ("ListenerArn", "EndpointGroupRegion")
    request = {name: value for name, value in pascal(new, _NAMES).items() if name not in fixed}
    api.keep(_SERVICE, "UpdateEndpointGroup", {}, EndpointGroupArn=id, **request)
    return {}


def _delete_group(api: CloudApi, id: str, _outputs: Outputs) -> None:  # noqa: A002 (AWS's own word)
    api.keep(_SERVICE, "DeleteEndpointGroup", {}, EndpointGroupArn=id)


KINDS = (
    ResourceKind(
        token=ACCELERATOR,
        create=_create_accelerator,
        update=_update_accelerator,
        delete=_delete_accelerator,
        own_name="name",
        longest_name=64,
        ready_after_min=lambda _inputs: 3,
        deleted_after_min=lambda _inputs: 2,
    ),
    ResourceKind(
        token=LISTENER,
        create=_create_listener,
        update=_update_listener,
        delete=_delete_listener,
        fixed=frozenset({"acceleratorArn"}),
        refers={"acceleratorArn": ACCELERATOR},
    ),
    ResourceKind(
        token=ENDPOINT_GROUP,
        create=_create_group,
        update=_update_group,
        delete=_delete_group,
        fixed=frozenset({"listenerArn", "endpointGroupRegion"}),
        refers={"listenerArn": LISTENER},
    ),
)
