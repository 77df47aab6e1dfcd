"""Reports of rank 0 on a run."""

from pathlib import Path

from components.spec.training import TrainingSpec
from workloads.pretrain.folder import RunFolder
from workloads.pretrain.journal import Journal


def test_a_rank_that_is_no_longer_slow_is_no_longer_told(tmp_path: Path) -> None:
    """Else an alert on it would stay for the rest of the run."""
    folder = RunFolder(tmp_path)
    journal = Journal(folder, TrainingSpec(), attempt=1, rank=0, world_size=4)
    told = []
    for slow in ({1: 2.0, 3: 1.8}, {3: 1.7}, {}):
        journal.stragglers(slow)
        journal._prometheus.write(now=True)
        lines = folder.prometheus.read_text().splitlines()
        told.append([line for line in lines if line.startswith("penstock_straggler_ratio{")])
    assert told == [
        ['penstock_straggler_ratio{rank="1"} 2.0', 'penstock_straggler_ratio{rank="3"} 1.8'],
        ['penstock_straggler_ratio{rank="3"} 1.7'],
        [],
    ]
