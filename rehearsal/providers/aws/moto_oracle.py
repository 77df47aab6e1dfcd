"""moto, in this process: it executes the requests that it implements, and goes on where another process stopped.

moto keeps everything in memory. What a request changed is therefore logged before it is executed, and a new process
executes the log again before its first request, with the same seeds: the same identifiers come out.
"""

import base64
import os
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rehearsal.cloud.errors import CloudApiError
from rehearsal.cloud.rules import Treatment
from rehearsal.cloud.standing import StandingThing
from rehearsal.cloud.store import Store
from rehearsal.providers.aws.error_messages import ACCOUNT_ID
from rehearsal.providers.aws.oracles import USUAL_SERVICES, ServiceModels, checked
from rehearsal.providers.aws.standing import make, snapshot

READ_ONLY = ("Describe", "List", "Get", "Head")
LOCAL_ZONES = {"us-east-1": {"us-east-1-dfw-2a": "use1-dfw2-az1"}}
"""Zones beside a region by name, with their ids (AWS Local Zones, Locations; EC2 User Guide, Capacity Blocks: P6e)."""


class Moto:
    """botocore's models, and moto behind them. moto is one for the whole process: the account begun last has it."""

    names: Mapping[Treatment, str] = {
        Treatment.EXECUTED: "botocore's model, executed by moto",
        Treatment.KEPT: "botocore's model, kept by the account",
        Treatment.PREVIEWED: "botocore's model, in a preview",
    }

    def __init__(self, store: Store, standing: Sequence[StandingThing] = ()) -> None:
        """`standing`: things that are there before any request."""
        self._models = ServiceModels()
        self._store = store
        self._lock = threading.Lock()
        self._mock: Any = None
        self._clients: dict[tuple[str, str], Any] = {}
        self._standing = tuple(standing)
        self._as_it_was: Mapping[str, Any] = {}

    def check(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters as they go to the service. Refuses (CloudApiError) all that botocore's model forbids."""
        return checked(self._models.operation(service, operation), parameters)

    def is_read_only(self, operation: str) -> bool:
        """Tells that the operation changes nothing, by AWS's names."""
        return operation.startswith(READ_ONLY)

    def execute(self, service: str, operation: str, region: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The answer. CloudApiError in the service's words; NotImplementedError where moto lacks the operation."""
        with self._lock:
            self._begin()
            number = 0
            if not self.is_read_only(operation):
                number = self._store.log(service, operation, region, parameters)
            return self._send(service, operation, region, parameters, seed=number)

    def close(self) -> None:
        with self._lock:
            if self._mock:
                self._mock.stop()
                self._mock = None
                self._clients.clear()

    def warm(self, *, preview: bool) -> None:
        """Loads the models and, for more than a preview, moto in threads of their own; the first request waits."""
        self._models.preload()
        if not preview:
            threading.Thread(target=self._warm, daemon=True).start()

    def _warm(self) -> None:
        from moto import backends

        load: Any = backends.get_backend  # its types want a literal name
        with self._lock:
            self._begin()
            for service in USUAL_SERVICES:
                load(service)

    def _begin(self) -> None:
        if self._mock:
            return
        from moto import mock_aws

        for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):  # moto makes sessions of its own, which look for them
            os.environ.pop(name, None)
        os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"  # 1,300 images for each region, which no request names
        self._mock = mock_aws()
        self._mock.start()
        _load_managed_policies()
        _seed_file_systems()
        _open_local_zones()
        self._as_it_was = self._make_standing()
        for request in self._store.requests():
            try:
                self._send(request.service, request.operation, request.region, request.parameters, seed=request.number)
            except (CloudApiError, NotImplementedError):
                continue  # it failed the first time too

    def touched(self) -> tuple[str, ...]:
        """Things that stood there before and are not as they were, a sentence for each."""
        with self._lock:
            self._begin()
            was, now = self._as_it_was, self._told()
        gone = [f"{one} is gone" for one in was if one not in now]
        changed = [
            f"{', '.join(sorted(key for key in {*before, *now[one]} if before.get(key) != now[one].get(key)))} of {one}"
            for one, before in was.items()
            if one in now and before != now[one]
        ]
        return (*gone, *(f"{one} is not as it was" for one in changed))

    def _make_standing(self) -> Mapping[str, Any]:
        """The things as moto tells of them, made anew in each process: with the same seed, so with the same ids."""
        from moto.moto_api._internal import mock_random

        if not self._standing:
            return {}
        mock_random.seed(0)
        make(list(self._standing), self._client("ec2", self._region))
        return self._told()

    def _told(self) -> Mapping[str, Any]:
        return snapshot(list(self._standing), self._client("ec2", self._region)) if self._standing else {}

    @property
    def _region(self) -> str:
        return next(str(one.outputs["region"]) for one in self._standing)

    def _send(
        self, service: str, operation: str, region: str, parameters: Mapping[str, Any], *, seed: int
    ) -> dict[str, Any]:
        from botocore import xform_name
        from botocore.exceptions import ClientError
        from moto.moto_api._internal import mock_random

        method = getattr(self._client(service, region), xform_name(operation))
        mock_random.seed(seed)
        try:
            answer = method(**parameters)
        except ClientError as error:
            details = error.response.get("Error", {})
            if details.get("Message", "").endswith("not yet implemented"):
                raise NotImplementedError(f"moto lacks {service}:{operation}") from error
            raise CloudApiError(
                details.get("Code", "Unknown"), details.get("Message", str(error)), operation=f"{service}:{operation}"
            ) from error
        return {name: _json(value) for name, value in answer.items() if name != "ResponseMetadata"}

    def _client(self, service: str, region: str) -> Any:
        key = (service, region)
        if key not in self._clients:
            from botocore.config import Config
            from botocore.session import Session

            # Neither a profile nor an endpoint of the user's: what moto does not know as AWS's it lets out.
            own: Any = Session(session_vars={"profile": (None, [], None, None)})
            settings: Any = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
            settings.ignore_configured_endpoint_urls = True  # its types do not know it
            self._clients[key] = own.create_client(
                service, region_name=region, aws_access_key_id="simulated", aws_secret_access_key="simulated",  # noqa: S106
                config=settings,
            )  # fmt: skip
        return self._clients[key]


def _load_managed_policies() -> None:
    """AWS's own policies are an oracle too: one that does not exist cannot be attached.

    Where moto itself is told to load them, it does so for each of AWS's partitions, of which one is needed here.
    """
    from moto.core.config import default_user_config
    from moto.iam.models import iam_backends

    policies = iam_backends[ACCOUNT_ID]["aws"]
    default_user_config["iam"] = {"load_aws_managed_policies": True}
    policies.reset()
    default_user_config["iam"] = {"load_aws_managed_policies": False}


def _open_local_zones() -> None:
    """Makes known the zones that AWS opens to an account on request, which moto lacks."""
    from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend, Zone

    for region, zones in LOCAL_ZONES.items():
        known = RegionsAndZonesBackend.zones[region]
        names = {zone.name for zone in known}
        known += [Zone(name, region, zone_id, "local-zone") for name, zone_id in zones.items() if name not in names]


def _seed_file_systems() -> None:
    """FSx is the one service of moto used here that takes its identifiers from elsewhere than moto's own seed."""
    from moto.fsx import models
    from moto.moto_api._internal import mock_random

    models.uuid4 = mock_random.uuid4  # type: ignore[attr-defined] # imported there


def _json(value: Any) -> Any:
    match value:
        case dict():
            return {name: _json(part) for name, part in value.items()}
        case list() | tuple():
            return [_json(part) for part in value]
        case datetime():
            return value.isoformat()
        case bytes():
            return base64.b64encode(value).decode()
        case _ if hasattr(value, "read"):
            return base64.b64encode(value.read()).decode()
        case _:
            return value
