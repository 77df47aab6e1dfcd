"""Time at which tests plan a stack: what has expired, begun and ended depends on it."""

from datetime import UTC, datetime

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
