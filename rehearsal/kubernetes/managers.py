"""managedFields: who took which field, and who may change it."""

from typing import Any

from rehearsal.kubernetes.fields import Path, decoded, encoded, fields_of, in_words, merged, without
from rehearsal.kubernetes.refusals import RefusalError
from rehearsal.kubernetes.schemas import Node

Body = dict[str, Any]
MOST_SHOWN = 5


def applied(old: Body | None, given: Body, node: Node, manager: str, *, force: bool, status: bool) -> Body:
    """The object after server-side apply. RefusalError 409 where another manager's field would change."""
    fields, mine = fields_of(given, node, status=status), (manager, "Apply", "status" if status else "")
    owners = _owners(old)
    if old is not None:
        had = fields_of(old, node, status=status)
        changing = {path for path, value in fields.items() if path in had and had[path] != value}
        _settle(owners, mine, changing, force=force)
        for path in owners.get(mine, set()) - set(fields):
            if not any(path in paths for who, paths in owners.items() if who != mine):
                without(old, path, node)
    part = {"status": given.get("status", {})} if status else {k: v for k, v in given.items() if k != "status"}
    new: Body = merged(old or {}, part, node) if old is not None or not status else {}
    new["apiVersion"], new["kind"] = given["apiVersion"], given["kind"]
    owners[mine] = set(fields)
    return _with(new, owners)


def took(new: Body, old: Body | None, manager: str, node: Node, *, status: bool = False) -> None:
    """Notes that the manager changed what differs; others lose it."""
    had = fields_of(old, node, status=status) if old else {}
    now = fields_of(new, node, status=status)
    changed = {path for path, value in now.items() if path not in had or had[path] != value}
    owners, mine = _owners(old), (manager, "Update", "status" if status else "")
    gone = set(had) - set(now)
    for who, paths in owners.items():
        paths -= gone  # noqa: PLW2901 (in place)
        if who != mine:
            paths -= changed  # noqa: PLW2901 (in place)
    owners.setdefault(mine, set()).update(changed)
    _with(new, owners)


def _settle(
    owners: dict[tuple[str, str, str], set[Path]], mine: tuple[str, str, str], changing: set[Path], *, force: bool
) -> None:
    """Takes what is changing from its owners, where `force`; else refuses."""
    taken = {who: paths & changing for who, paths in owners.items() if who != mine and paths & changing}
    if taken and not force:
        parts = [
            f'conflict with "{who}": {in_words(path)}' for (who, _, _), paths in taken.items() for path in sorted(paths)
        ]
        more = f" and {len(parts) - MOST_SHOWN} more" if len(parts) > MOST_SHOWN else ""
        text = f"Apply failed with {len(parts)} conflict(s): {'; '.join(parts[:MOST_SHOWN])}{more}"
        raise RefusalError(409, "Conflict", text)
    for who, paths in taken.items():
        owners[who] -= paths


def _owners(body: Body | None) -> dict[tuple[str, str, str], set[Path]]:
    rows = (body or {}).get("metadata", {}).get("managedFields") or ()
    return {
        (row["manager"], row["operation"], row.get("subresource", "")): decoded(row.get("fieldsV1", {})) for row in rows
    }


def _with(body: Body, owners: dict[tuple[str, str, str], set[Path]]) -> Body:
    body["metadata"]["managedFields"] = [
        {
            "manager": manager, "operation": operation, "apiVersion": body["apiVersion"], "fieldsType": "FieldsV1",
            "fieldsV1": encoded(paths), **({"subresource": sub} if sub else {}),
        }
        for (manager, operation, sub), paths in owners.items()
        if paths
    ]  # fmt: skip
    return body
