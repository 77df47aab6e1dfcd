"""`penstock plan`: one screen at 80 columns, sections, pipes, and the form for programs."""

import json
import subprocess
import sys
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest

from components.plan.stack import StackPlan
from penstock.plan import NAMES
from penstock.plan_json import FORM_VERSION, as_form
from penstock.sections import SECTIONS, chosen, everything, screen
from penstock.tables import PIPE, Table
from providers import discover
from stacks.config import read_file
from stacks.plan import plan_stack
from tests.clock import NOW


@cache
def planned(stack: str) -> StackPlan:
    return plan_stack(discover(read_file(stack)), stack, NOW)


def shown(stack: str, width: int = 80) -> list[str]:
    return [line.text for line in screen(planned(stack), width)]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "penstock", "plan", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("stack", ["aws-prod", "aws-dev", "aws-slurm", "aws-trn", "existing", "lab", "local"])
def test_the_first_screen_fits(stack: str) -> None:
    lines = shown(stack)
    assert len(lines) <= 60
    too_long = [line for line in lines if len(line) > 80]
    assert [line for line in too_long if len(line.split()) > 1] == []


def test_the_local_stack_needs_no_second_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/home/somebody/.local/share")
    lines = [line.text for line in screen(plan_stack(read_file("local"), "local", NOW), 80)]
    assert len(lines) <= 25
    assert any("training.ranksPerNode" in line for line in lines)


def test_no_name_is_folded() -> None:
    words = {word for line in shown("aws-prod") for word in line.split()}
    assert words >= {"p5.48xlarge", "g6e.12xlarge", "serve-on-demand", "L-DB2E81BA", "us-east-2:"}
    assert "penstock:0.1.0-workloads," in words


def test_a_path_longer_than_the_terminal_stays_whole() -> None:
    training = planned("aws-prod").training
    assert training is not None
    assert training.run_folder in {word for line in shown("aws-prod", 40) for word in line.split()}


def test_columns_make_way_for_names() -> None:
    long = "a-pool-with-a-name-of-forty-characters-x"
    pool = replace(planned("aws-prod").cluster.node_pools[0], name=long)
    plan = replace(planned("aws-prod"), cluster=replace(planned("aws-prod").cluster, node_pools=(pool,)))
    (row,) = [line.text for line in screen(plan, 80) if line.text.startswith(long)]
    assert "p5.48xlarge" in row
    assert "6144" not in row
    assert row.split()[-2:] == ["2048", "1975"], "nominal GiB of a node, and those left for pods, stay"
    (wide,) = [line.text for line in screen(plan, PIPE) if line.text.startswith(long)]
    assert "6144" in wide


def test_verdict_and_warnings_come_first() -> None:
    lines = shown("aws-prod", PIPE)
    assert lines[1].startswith("valid, 1 warning")
    assert [line.partition(":")[0] for line in lines[2:3]] == ["warning"]
    assert lines[4].startswith("pool ")


def test_a_plan_without_its_cluster_says_so_on_top(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nowhere/config")
    plan = plan_stack(discover(read_file("existing")), "existing", NOW)
    assert [line.text for line in screen(plan, PIPE)][2].startswith(
        "warning: existing: planned from the stack file, as the cluster was not seen"
    )


def test_cost_says_budget_day_prepaid_and_unknown() -> None:
    lines = {line[:10].strip(): line[11:] for line in shown("aws-prod", PIPE)}
    assert lines["cost"].startswith("$46.92 of $60 an hour (78 % of the budget), $1,126.14 a day")
    over = (
        "$194.13 an hour when every pool has its largest size; over the budget, which is held against the sizes of `up`"
    )
    assert lines["at most"] == over
    assert lines["prepaid"] == "32 x train: p5.48xlarge"
    assert "EFS file system" in lines["unknown"]
    assert lines["until"].startswith("2027-12-31 00:00Z (cluster.expiresAt)")


def test_what_jobs_make_of_a_pool_that_begins_with_no_machine_is_told() -> None:
    (most,) = [line for line in shown("aws-batch", PIPE) if line.startswith("  at most")]
    assert most == "  at most  $9.39 an hour when every pool has its largest size"
    assert not [line for line in shown("aws-trn", PIPE) if line.startswith("  at most")]


def test_a_budget_without_prices_is_said_to_be_unchecked() -> None:
    plan = planned("existing")
    asked = replace(plan, cluster=replace(plan.cluster, budget_usd_per_hour=60.0))
    found = [line.text for line in screen(asked, PIPE)]
    assert "cost       no price is known, so the budget of $60 an hour is not checked" in found
    assert not any(line.startswith("cost") for line in shown("existing", PIPE))


def test_no_empty_line_follows_another_where_nothing_runs() -> None:
    plan = planned("aws-dev")
    nowhere = replace(plan.cluster.volume, path="")
    bare = replace(plan, cluster=replace(plan.cluster, volume=nowhere), training=None, inference=None)
    lines = [line.text for line in screen(bare, 80)]
    assert ("", "") not in pairwise(lines)


def test_quotas_to_ask_for_are_those_over_the_default() -> None:
    lines = shown("aws-prod", PIPE)
    assert "    ec2      L-DB2E81BA  384 vCPU  Running On-Demand G and VT instances" in lines
    assert not any("L-1194D53C" in line for line in lines)
    assert any("L-1194D53C" in line.text for line in chosen(("quotas",), planned("aws-prod"), PIPE))


def test_the_bill_calls_a_capacity_block_prepaid() -> None:
    (line,) = [one.text for one in chosen(("bill",), planned("aws-prod"), PIPE) if "p5.48xlarge" in one.text]
    assert line.split()[:2] == ["prepaid", "32"]


@pytest.mark.parametrize("section", NAMES)
def test_every_section_is_shown_alone_and_with_all(section: str) -> None:
    alone = [line.text for line in chosen((section,), planned("aws-prod"), 80)]
    assert len(alone) > 1
    whole = [line.text for line in everything(planned("aws-prod"), 80)]
    assert alone[-1] in whole
    if section != "owners":  # a word that is longer than what the names beside it leave
        assert [line for line in alone if len(line) > 80 and len(line.split()) > 1] == []


def test_the_options_name_the_sections_there_are() -> None:
    assert tuple(SECTIONS) == NAMES


def test_a_section_without_content_says_so() -> None:
    assert [line.text for line in chosen(("addresses",), planned("local"), 80)] == ["addresses: none on local"]


def test_wrong_sections_are_told_together() -> None:
    refused = run("aws-prod", "--show", "bil,quotas,nonsense")
    assert refused.returncode == 2
    assert "'bil' is not a section; did you mean 'bill'?, 'nonsense' is not a section" in refused.stderr
    assert refused.stdout == ""


def test_json_and_sections_exclude_each_other() -> None:
    refused = run("local", "--json", "--show", "bill")
    assert refused.returncode == 2
    assert "leave one of the two out" in refused.stderr


def test_a_pipe_gets_whole_lines_without_escape_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    piped = run("aws-prod")
    assert piped.returncode == 0, piped.stderr
    assert "\x1b" not in piped.stdout
    (row,) = [line for line in piped.stdout.splitlines() if line.startswith("train ")]
    assert row.split()[-1] == "6144"
    assert all(line.startswith("warning: ") for line in piped.stdout.splitlines()[2:3])


def test_json_has_totals_and_the_version_of_its_form() -> None:
    form = as_form(planned("aws-prod"))
    assert form["formVersion"] == FORM_VERSION
    assert form["totals"] == {
        "usdPerHour": pytest.approx(46.92, abs=0.01),
        "usdPerDay": pytest.approx(24 * 46.922, abs=0.1),
        "mostUsdPerHour": pytest.approx(194.12, abs=0.01),
        "budgetUsdPerHour": 60,
        "prepaidCount": 1,
        "unknownCount": 5,
    }
    assert json.loads(json.dumps(form)) == form


def test_json_writes_fields_as_a_stack_file_does_and_leaves_names_alone() -> None:
    form = as_form(planned("aws-prod"))
    assert form["training"]["ranksPerNode"] == form["training"]["config"]["training"]["ranksPerNode"] == 8
    binding = form["cluster"]["nodePools"][0]["binding"]
    assert binding["devices"]["nvidia.com/gpu"] == 8
    assert "FI_PROVIDER" in binding["env"] or any("_" in key for key in binding["env"])


def test_a_table_drops_columns_in_the_order_given() -> None:
    rows = [("name", "x" * 10, "y" * 10)]
    headers = ("a", "b", "c")
    assert [line.text for line in Table(headers, rows, drop=("c", "b")).lines(30)][1] == f"name  {'x' * 10}  {'y' * 10}"
    assert [line.text for line in Table(headers, rows, drop=("c", "b")).lines(20)][1] == f"name  {'x' * 10}"
    assert [line.text for line in Table(headers, rows, drop=("c", "b")).lines(10)][1] == "name"
