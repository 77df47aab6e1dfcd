"""Asks a run that goes on for a trace of its next steps: `python -m workloads.pretrain.train.profile RUN_FOLDER`."""

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from components.spec.observe import ProfileSpec
from workloads.pretrain.config import read_job
from workloads.pretrain.folder import RunFolder, json_lines, replace_json

AHEAD_S = 30.0
"""Seconds ahead of the first step traced: each rank looks for the request every 5 s."""


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when the request is written."""
    parser = argparse.ArgumentParser(
        prog="python -m workloads.pretrain.train.profile",
        description="Asks a run that goes on for a trace of its next steps.",
    )
    parser.add_argument("run", type=Path, metavar="RUN_FOLDER", help="the run's folder")
    parser.add_argument("--at-step", type=int, help="the first step; left out, about 30 s from now")
    parser.add_argument("--steps", type=int, default=3, help="steps in a row; 3 when left out")
    parser.add_argument("--ranks", type=int, nargs="+", default=[0], help="ranks that keep a trace; 0 when left out")
    parser.add_argument("--memory", action="store_true", help="with a snapshot of the accelerator's memory")
    options = parser.parse_args(arguments)
    folder = RunFolder(options.run.resolve())
    if not folder.metrics.exists():
        parser.error(f"{options.run} is not the folder of a run that has begun; give one with metrics.jsonl")
    at_step = options.at_step or _soon(folder)
    last = read_job(folder.job).training.steps
    if at_step + options.steps - 1 > last:
        parser.error(
            f"steps {at_step} to {at_step + options.steps - 1} are beyond the run's last ({last}); take earlier ones"
        )
    asked = ProfileSpec(at_step=at_step, steps=options.steps, ranks=tuple(options.ranks), memory=options.memory)
    replace_json(folder.profile_asked, asked.model_dump(mode="json", by_alias=True))
    where = folder.profiles / f"step-{at_step:08d}"
    sys.stdout.write(f"asked for steps {at_step} to {at_step + options.steps - 1}; the traces will be in {where}\n")
    return 0


def _soon(folder: RunFolder) -> int:
    """The step that begins about then, by the pace of the last ones."""
    steps = [line for line in json_lines(folder.metrics) if "loss" in line][-20:]
    if len(steps) < 2:  # a pace takes two
        return 10
    pace = (float(str(steps[-1]["time"])) - float(str(steps[0]["time"]))) / (len(steps) - 1)
    return int(str(steps[-1]["step"])) + 1 + math.ceil(AHEAD_S / max(pace, 1e-3))


if __name__ == "__main__":
    sys.exit(main())
