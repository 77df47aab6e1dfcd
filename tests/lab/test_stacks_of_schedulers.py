"""The stack `lab` under schedulers other than its own, through the real engine: it trains there, and leaves nothing.

It serves nothing there: what serves is the same under all of them, and test_stacks.py has it.
"""

from pathlib import Path

import pytest
import yaml

from rehearsal.cycle import Rehearsal, rehearse


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("kind", "what"), [("trainer", "TrainJob"), ("volcano", "Job")])
def test_a_stack_trains_under_another_scheduler(project: Path, kind: str, what: str) -> None:
    file = project / "stacks" / "Pulumi.lab.yaml"
    content = yaml.safe_load(file.read_text())
    config = content["config"]
    config["penstock:scheduler"]["kind"] = kind
    config["penstock:training"] |= {"steps": 20, "checkpoint": {"everySteps": 10}}
    del config["penstock:inference"]
    file.write_text(yaml.safe_dump(content))

    report = rehearse(Rehearsal.CYCLE, "lab", project=project)

    assert [(phase.name, phase.problem) for phase in report.phases if phase.problem] == []
    seen = "\n".join(report.phases[0].seen)
    assert f"{what} pretrain-" in seen
    assert "2 nodes x 2 ranks trained to step 20" in seen
    assert report.account is not None
    assert report.account.left == ()
