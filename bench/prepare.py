"""Preparation of text: throughput of a core against the tokenizer alone, and memory where there is more text."""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tokenizers import Tokenizer

from bench.figures import Figure
from components.spec.training import TrainingSpec
from workloads.prepare.corpus import find_corpus
from workloads.prepare.encode import ENCODED_AT_ONCE
from workloads.prepare.prepare import prepare

TIMES = 100
"""The large text in sizes of the default one (12 MB)."""
DOCUMENT_BYTES = 4_000
LEARNED = "learned"


def figures(*, times: int = TIMES, rounds: int = 3) -> list[Figure]:
    """One process prepares a text, and one `times` as large; another encodes the first and does nothing else. By
    processor time, and the best of some rounds in turn: other work on the machine touches that least.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        small, large = _written(folder / "small.jsonl", 1), _written(folder / "large.jsonl", times)
        learned = prepare(_training(small), folder / "first", _quiet, cores=1)
        shutil.copytree(learned, folder / LEARNED)
        alone, ours = [], []
        for _ in range(rounds):
            alone.append(_in_process(folder, small, "alone"))
            ours.append(_in_process(folder, small, "prepared"))
        more = _in_process(folder, large, "prepared")
    best = [max(one["mb_s"] for one in runs) for runs in (ours, alone)]
    note = f"{best[0]:.2f} against {best[1]:.2f} MB a second of a core"
    rate = Figure(
        what="text prepared / encoded by the tokenizer alone, on a core",
        value=best[0] / best[1],
        at_least=0.8,
        note=note,
    )
    note = f"{more['mib']:.0f} against {ours[0]['mib']:.0f} MiB"
    what = f"peak memory with {times} times the text / with the default's size"
    return [rate, Figure(what=what, value=more["mib"] / ours[0]["mib"], at_most=1.1, note=note)]


def _written(file: Path, times: int) -> Path:
    """The default text over and over as jsonl, each time with words of its own, so that nothing is met twice."""
    texts = [one.path.read_text() for one in find_corpus("training.data.text", None).files]
    with file.open("w") as opened:
        for turn in range(times):
            for text in texts:
                for begin in range(0, len(text), DOCUMENT_BYTES):
                    piece = text[begin : begin + DOCUMENT_BYTES].replace("self", f"self{turn}")
                    opened.write(json.dumps({"text": piece}) + "\n")
    return file


def _training(file: Path, tokenizer: Path | None = None) -> TrainingSpec:
    data = {"text": {"files": str(file), "format": "jsonl"}, **({"tokenizer": str(tokenizer)} if tokenizer else {})}
    return TrainingSpec.model_validate({"data": data, "model": {"vocabulary": 4096}}, strict=False)


def _in_process(folder: Path, file: Path, how: str) -> dict[str, float]:
    """Figures of a process of its own, in which nothing else has used memory."""
    command = [sys.executable, "-m", "bench.prepare", how, str(folder), str(file)]
    environment = os.environ | {"TOKENIZERS_PARALLELISM": "false"}
    told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    found: dict[str, float] = json.loads(told)
    return found


def _measured(how: str, folder: Path, file: Path) -> dict[str, float]:
    learned = folder / LEARNED
    if how == "alone":
        tokenizer = Tokenizer.from_file(str(learned / "tokenizer.json"))
        texts = [json.loads(line)["text"] for line in file.read_text().splitlines()]
        at_once = ENCODED_AT_ONCE // DOCUMENT_BYTES
        begun = time.process_time()
        for begin in range(0, len(texts), at_once):
            tokenizer.encode_batch_fast(texts[begin : begin + at_once])
    else:
        begun = time.process_time()
        with tempfile.TemporaryDirectory(dir=folder) as made:
            prepare(_training(file, learned), Path(made), _quiet, cores=1)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"mb_s": file.stat().st_size / 1e6 / (time.process_time() - begun), "mib": peak_mib}


def _quiet(_message: str) -> None:
    """Nobody watches."""


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measured(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
