"""Lacking: definitions of jobs beside a store that their containers may not reach."""

from dataclasses import replace
from typing import Any

from rehearsal.field.deployed import BuiltResource
from rehearsal.field.facts import FieldFacts
from rehearsal.field.lacking import lacking
from rehearsal.field.service_facts import JobRoleRow
from tests.unit.rehearsal.field.field_cases import built, deployment

FACTS = FieldFacts(
    nodes="aws",
    job_roles=(
        JobRoleRow(
            resource="c:Job", role=("nodes.role", "role"), store="c:Store", policy="c:Policy", policy_role="role",
            policy_actions="document.allow", actions=("read", "write"), source="guide",
        ),
    ),
)  # fmt: skip
STORE = built("c:Store", "data")


def judged(job: dict[str, Any], *others: BuiltResource) -> list[str]:
    made = (built("c:Job", "gang", job), *others)
    return [one.message for one in lacking(deployment(FACTS, resources=made))]


def policy(*actions: str, role: str = "jobs") -> BuiltResource:
    return built("c:Policy", "policy", {"role": role, "document": {"allow": list(actions)}})


def test_a_job_without_a_role_beside_a_store_is_found() -> None:
    assert judged({"nodes": [{}]}, STORE) == ["gang names no role: its jobs cannot reach data"]


def test_a_role_that_may_not_is_found() -> None:
    job = {"nodes": [{"role": "arn:x:role/jobs"}]}
    assert judged(job, STORE, policy("read")) == [
        "gang has the role jobs, which may not write: its jobs cannot reach data"
    ]
    assert len(judged(job, STORE, policy("read", "write", role="other"))) == 1


def test_a_type_with_several_uses_is_asked_in_the_one_that_is_meant() -> None:
    facts = replace(FACTS, job_roles=(replace(FACTS.job_roles[0], where=("kind", "nodes")),))

    def found(kind: str) -> int:
        made = (built("c:Job", "gang", {"kind": kind}), STORE)
        return len(list(lacking(deployment(facts, resources=made))))

    assert (found("nodes"), found("queue")) == (1, 0)


def test_a_role_that_may_is_fine_and_so_is_a_job_without_a_store() -> None:
    assert judged({"role": "jobs"}, STORE, policy("read", "write")) == []
    assert judged({}) == []
