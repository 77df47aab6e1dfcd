"""The account's file: its objects and the log of the requests that changed something, so that another process goes on.

One SQLite file. A killed process loses nothing that was written; there is no sync, because a machine that goes down
takes nothing real with it.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (key TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS requests (
  number INTEGER PRIMARY KEY, service TEXT NOT NULL, operation TEXT NOT NULL, region TEXT NOT NULL,
  parameters TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRequest:
    """A request that was executed; `number` is its place and the seed of what the oracle makes up while it answers."""

    number: int
    service: str
    operation: str
    region: str
    parameters: Mapping[str, Any]


class Store:
    """The part of an account that outlives the process. `file` None keeps it in memory."""

    def __init__(self, file: Path | None = None) -> None:
        if file:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch(mode=0o600)  # inputs may hold secrets
        self._lock = threading.Lock()
        self._database = sqlite3.connect(file or ":memory:", check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.executescript(SCHEMA)

    def objects(self) -> dict[str, dict[str, Any]]:
        """All of them by key, in the order in which they came."""
        rows = self._all("SELECT key, body FROM objects ORDER BY rowid")
        return {key: json.loads(body) for key, body in rows}

    def put(self, key: str, body: Mapping[str, Any]) -> None:
        text = json.dumps(body)
        self._all("INSERT INTO objects VALUES (?, ?) ON CONFLICT(key) DO UPDATE SET body = excluded.body", key, text)

    def drop(self, key: str) -> None:
        self._all("DELETE FROM objects WHERE key = ?", key)

    def log(self, service: str, operation: str, region: str, parameters: Mapping[str, Any]) -> int:
        """The number of the request, now written down."""
        text = json.dumps(parameters)
        with self._lock:
            cursor = self._database.execute(
                "INSERT INTO requests (service, operation, region, parameters) VALUES (?, ?, ?, ?)",
                (service, operation, region, text),
            )
            return int(cursor.lastrowid or 0)

    def requests(self) -> Iterator[LoggedRequest]:
        """All of them, in order."""
        for row in self._all("SELECT number, service, operation, region, parameters FROM requests ORDER BY number"):
            number, service, operation, region, parameters = row
            yield LoggedRequest(
                number=number, service=service, operation=operation, region=region, parameters=json.loads(parameters)
            )

    def fact(self, name: str, default: Any = None) -> Any:
        rows = self._all("SELECT value FROM facts WHERE name = ?", name)
        return json.loads(rows[0][0]) if rows else default

    def set_fact(self, name: str, value: Any) -> None:
        text = json.dumps(value)
        self._all("INSERT INTO facts VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value", name, text)

    def next_number(self, name: str) -> int:
        """1, 2, 3, ... for each name."""
        statement = (
            "INSERT INTO facts VALUES (?, '1') ON CONFLICT(name) DO UPDATE SET value = CAST(value AS INTEGER) + 1 "
            "RETURNING value"
        )
        return int(self._all(statement, f"number of {name}")[0][0])

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def _all(self, statement: str, *values: str) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._database.execute(statement, values).fetchall()
