"""The loss curve of a run as a picture: `python -m workloads.pretrain.record.plot RUN_FOLDER`."""

import json
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from workloads.pretrain.folder import RunFolder, json_lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Line = Mapping[str, object]


def plot_run(path: Path) -> list[Path]:
    """loss.svg and loss.png in the run's folder: training and validation loss, restarts, the unigram baseline."""
    # Half a second, and only rank 0 needs it, once.
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib.figure import Figure

    folder = RunFolder(path)
    lines = json_lines(folder.metrics)
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    _curve(axes, lines)
    _restarts(axes, lines)
    unigram = float(json.loads((folder.data / "corpus.json").read_text())["unigramLoss"])
    axes.axhline(unigram, color="grey", linestyle="--", linewidth=1, label=f"unigram baseline {unigram:.2f}")
    axes.set_xlabel("optimizer step")
    axes.set_ylabel("loss (nats per token)")
    axes.set_title("Loss")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    pictures = [path / "loss.svg", path / "loss.png"]
    for picture in pictures:
        figure.savefig(picture, dpi=150)
    return pictures


def _curve(axes: "Axes", lines: Sequence[Line]) -> None:
    """The loss of each step; of a step done twice, the last time counts."""
    train = _by_step(lines, "loss")
    validation = _by_step(lines, "validationLoss")
    axes.plot(list(train), list(train.values()), linewidth=1, label="training")
    if validation:
        axes.plot(list(validation), list(validation.values()), "o", markersize=4, label="validation")


def _restarts(axes: "Axes", lines: Sequence[Line]) -> None:
    label: str | None = "restart"
    steps = [line for line in lines if "loss" in line]
    for before, after in pairwise(steps):
        if before["attempt"] != after["attempt"]:
            axes.axvline(float(str(after["step"])) - 0.5, color="tab:red", linewidth=1, alpha=0.6, label=label)
            label = None


def _by_step(lines: Sequence[Line], key: str) -> dict[int, float]:
    points = {int(str(line["step"])): float(str(line[key])) for line in lines if key in line}
    return dict(sorted(points.items()))


if __name__ == "__main__":
    for written in plot_run(Path(sys.argv[1]).resolve()):
        sys.stdout.write(f"{written}\n")
