"""Rows of addons.toml answer as modules do."""

import pytest

from components.plan.kubernetes import Concern
from components.platform.addons.rows import addon_rows
from tests.unit.components.platform.requests import request


def test_a_row_with_an_unknown_field_or_concern_is_refused() -> None:
    from components.platform.addons.rows import _row

    with pytest.raises(TypeError, match="onn"):
        _row("x", about="", off="nobody needs it", onn="")
    with pytest.raises(ValueError, match="tea"):
        _row("x", about="", off="nobody needs it", does=("tea",))


def test_a_value_decides_what_the_collector_does() -> None:
    row = addon_rows()["opentelemetry-collector"]
    assert row.plan(request()).does == ()
    logs = {"opentelemetry-collector": {"values": {"presets": {"logsCollection": {"enabled": True}}}}}
    assert row.plan(request(addons=logs)).does == (Concern.LOGS,)


def test_a_row_makes_monitors_only_where_they_are_read() -> None:
    row = addon_rows()["karpenter"]
    for monitored in (True, False):
        plan = row.plan(request(addons={"kube-prometheus-stack": monitored}))
        assert plan.release is not None
        assert plan.release.values["serviceMonitor"] == {"enabled": monitored}
        assert plan.needs == (("kube-prometheus-stack",) if monitored else ())
