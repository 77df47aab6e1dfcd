"""The stack's storage account with its container, decided, and the way by which pods see it as files: blobfuse."""

import hashlib
import re
from collections.abc import Iterator

from components.errors import Problem, SpecError
from components.plan.cluster import Mount
from components.plan.part import Decision
from components.spec.stack import StackSpec
from components.spec.storage import OnDestroy
from providers.azure.types import BlobPlan

CLAIM = "object-store"
"""Name by which pods mount it."""
CONTAINER = "objects"
_NAME = re.compile(r"[a-z0-9]{3,24}")
_PATH = "storage.objectStore"
_MOUNT_OPTIONS = (
    "-o allow_other",
    "--use-attr-cache=true",
    "--file-cache-timeout-in-seconds=120",
    "--cancel-list-on-mount-seconds=10",
)
"""Azure/AKS, "Use Azure Blob storage CSI driver", for blobfuse2 (2026-08)."""


def plan_blob(spec: StackSpec, subscription: str, stack: str) -> BlobPlan | None:
    """The container that the spec asks for; SpecError with every problem at once."""
    asked = spec.storage.object_store
    if asked is None:
        return None
    if problems := [*_name_problems(asked.name), *_mount_problems(spec)]:
        raise SpecError(problems)
    return BlobPlan(
        account=asked.name or _account_name(subscription, stack),
        container=CONTAINER,
        keep_versions_days=asked.keep_versions_days,
        expire_days=asked.expire_days,
        keep=asked.on_destroy is OnDestroy.KEEP,
        mount_path=asked.mount_path or "",
        mount_options=_MOUNT_OPTIONS if asked.mount_path else (),
    )


def blob_mounts(plan: BlobPlan | None) -> tuple[Mount, ...]:
    """The container as jobs mount it; nothing where it is mounted nowhere."""
    return (Mount(volume=CLAIM, path=plan.mount_path),) if plan is not None and plan.mount_path else ()


def blob_decisions(plan: BlobPlan) -> Iterator[Decision]:
    """Decisions that the spec leaves open."""
    reason = "every pod may act as its node, whose identity has the rights; no key of the account is in use"
    yield Decision(path=f"{_PATH}.rights", value="read and write, of this account alone", reason=reason)
    if plan.mount_path:
        reason = "blobfuse: whole blobs, no locks, the last writer wins; for data, models and exports, and not for the "
        reason += "folder of runs; what is read lies on the root disk for a while"
        yield Decision(path=f"{_PATH}.mountPath", value=plan.mount_path, reason=reason)


def _account_name(subscription: str, stack: str) -> str:
    """No other account of the world has it: small letters and digits, 24 at most."""
    digest = hashlib.sha256(f"{subscription.lower()}/{stack}".encode()).hexdigest()
    return f"{re.sub(r'[^a-z0-9]', '', stack)[:12]}{digest[:12]}"


def _name_problems(name: str | None) -> Iterator[Problem]:
    if name is not None and not _NAME.fullmatch(name):
        message = (
            f"{name!r} is no name of a storage account: small letters and digits alone, 3 to 24 of them; change it"
        )
        yield Problem(path=f"{_PATH}.name", message=message)


def _mount_problems(spec: StackSpec) -> Iterator[Problem]:
    """A path that hides a file system, or is hidden by one."""
    store = spec.storage.object_store
    path = store.mount_path if store else None
    if path is None:
        return
    for key, other in spec.storage.mount_paths():
        if f"{path}/".startswith(f"{other}/") or f"{other}/".startswith(f"{path}/"):
            message = f"{path!r} and {key}.mountPath {other!r} overlap; keep them apart, as in /objects"
            yield Problem(path=f"{_PATH}.mountPath", message=message)
