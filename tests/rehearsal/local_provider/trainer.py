"""A small trainer that keeps the trainer's contract: it descends a parabola, slowly enough to be stopped on the way.

As the real one it has a worker process in a session of its own, checkpoints that appear whole, and its exit codes.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

FINISHED, FAILED, EXHAUSTED, GAVE_UP, PREEMPTED, REFUSED = 0, 1, 69, 70, 75, 78


def main() -> int:
    job = json.loads(Path(sys.argv[1]).read_text())
    folder, training = Path(job["runFolder"]), job["training"]
    stop: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stop.append(number))
    with (folder / "started").open("a") as starts:
        starts.write(f"{os.getpid()}\n")
    if training.get("stubborn"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if message := training.get("refuse"):
        report(folder, "refused", 0, training, message=message)
        return REFUSED
    if training.get("crash"):
        sys.stderr.write("the accelerator caught fire\n")
        return {"for good": GAVE_UP, "exhausted": EXHAUSTED}.get(training["crash"], FAILED)
    worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    write(folder / "workers.json", {"agent": os.getpid(), "attempt": 1, "workers": [{"rank": 0, "pid": worker.pid}]})
    try:
        return train(folder, training, stop)
    finally:
        worker.kill()
        worker.wait()


def train(folder: Path, training: dict[str, Any], stop: list[int]) -> int:
    """From the newest checkpoint to the last step."""
    step, x = restore(folder)
    while step < training["steps"]:
        if stop:
            checkpoint(folder, step, x)
            report(folder, "preempted", step, training, loss=x * x)
            return PREEMPTED
        x -= 0.02 * 2 * x
        step += 1
        time.sleep(training.get("stepS", 0.01))
        if step % training.get("checkpointEverySteps", 10) == 0:
            checkpoint(folder, step, x)
        report(folder, "training", step, training, loss=x * x)
    checkpoint(folder, step, x)
    export(folder, step, x)
    report(folder, "finished", step, training, loss=x * x)
    return FINISHED


def restore(folder: Path) -> tuple[int, float]:
    saved = sorted(folder.glob("checkpoints/step-*/state.json"))
    if not saved:
        return 0, 3.0
    state = json.loads(saved[-1].read_text())
    return state["step"], state["x"]


def checkpoint(folder: Path, step: int, x: float) -> None:
    final = folder / "checkpoints" / f"step-{step:08d}"
    if final.exists():
        return
    partial = folder / "checkpoints" / f".partial-{step}"
    partial.mkdir(parents=True, exist_ok=True)
    write(partial / "state.json", {"step": step, "x": x})
    partial.rename(final)


def export(folder: Path, step: int, x: float) -> None:
    target = folder / "export" / f"step-{step:08d}"
    target.mkdir(parents=True, exist_ok=True)
    weights = target / "model.safetensors"
    weights.write_text(repr(x))
    files = {weights.name: {"bytes": weights.stat().st_size, "chunkBytes": 1, "xxh3": []}}
    write(target / "manifest.json", {"step": step, "digest": f"{x:.6f}", "validationLoss": x * x, "files": files})


def report(folder: Path, state: str, step: int, training: dict[str, Any], **more: object) -> None:
    content = {"state": state, "step": step, "steps": training["steps"], "attempt": 1, "tokensPerS": 5210.4}
    write(folder / "status.json", content | {"etaS": 1.0, "updated": time.time(), "message": ""} | more)


def write(path: Path, content: object) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(json.dumps(content))
    partial.replace(path)


if __name__ == "__main__":
    sys.exit(main())
