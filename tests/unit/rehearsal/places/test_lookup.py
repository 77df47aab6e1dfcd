"""Lookup of the place that a stack's cloud asks for."""

from pathlib import Path

import pytest

from components.errors import SpecError
from rehearsal.faults import FaultScript
from rehearsal.places.lookup import place_for, rules_of
from rehearsal.providers.aws.rules import RULES


def test_a_simulated_cloud_has_rules_and_no_other_has() -> None:
    assert rules_of("aws") is RULES
    assert [rules_of(name) for name in ("local", "existing", "kubernetes", "", "fog", "aws.kinds", "../aws")] == [
        None
    ] * 7


@pytest.mark.parametrize(
    ("cloud", "script", "message"),
    [
        ("local", {"throttle": {"rate": 0.3}}, "faults need a simulated cloud, which cluster.cloud: local has not"),
        ("aws", {"quotas": {"vpcss": 1}}, "quotas.vpcss: unknown key; did you mean 'vpcs'?"),
    ],
)
def test_faults_that_a_cloud_cannot_have_are_refused(
    tmp_path: Path, cloud: str, script: dict[str, object], message: str
) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(f"config: {{penstock:cluster: {{cloud: {cloud}}}}}\n")
    faults = FaultScript.model_validate(script)
    with pytest.raises(SpecError) as refused, place_for(file, tmp_path / "home", faults, preview=True, say=print):
        pass
    assert message in str(refused.value)
