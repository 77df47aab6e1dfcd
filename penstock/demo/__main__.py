"""The demo's story, told while it happens.

up: two workers learn Python from its standard library; one is killed; the run goes on; the model is served
up again: nothing changes. destroy: nothing is left.
"""

import json
import os
import shutil
import sys
import time
import urllib.request
from pathlib import Path

from rich.console import Console

from components.errors import PenstockError
from components.loopback import exempt_loopback
from engine.process import Result
from penstock.demo.accident import Saboteur
from penstock.demo.evidence import ledger_line, leftovers, read_learning, read_recovery
from penstock.demo.second_opinion import greedy_text
from penstock.demo.stage import STACK, Stage, set_stage
from penstock.live import Live
from workloads.model.export import newest_export

PROMPT = "def __init__(self"
GREEDY_TOKENS = 32
CHECKOUT = Path(__file__).parent.parent.parent


def main() -> int:
    """Play the story; the exit status is 0 only when every claim of it held."""
    console, begin = Console(highlight=False, soft_wrap=True), time.monotonic()
    os.environ.update(exempt_loopback(os.environ))
    try:
        stage = set_stage(CHECKOUT)
        _prepare_stack(stage, console)
        _train_and_serve(stage, console)
        learned(stage, console)
        ask(stage, console)
        _nothing_changes(stage, console)
        _nothing_left(stage, console)
    except PenstockError as error:
        console.print(f"[red]{error}[/]", soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("interrupted; `make demo` goes on from here")
        return 130
    console.print(f"\n[green]done[/] in {time.monotonic() - begin:.0f} s")
    return 0


def _prepare_stack(stage: Stage, console: Console) -> None:
    if STACK not in stage.engine.stacks():
        stage.engine.stack_init(STACK).require_ok()
        return
    for lock in stage.engine.clear_stale_locks(STACK):
        console.print(f"an earlier demo was cut off ({lock}); its lock is cleared and it goes on")
    if stage.engine.export_state(STACK).pending:
        _require(stage.engine.clear_pending_creates(STACK))


def _train_and_serve(stage: Stage, console: Console) -> None:
    """`pulumi up`, with an accident in the middle of it."""
    job = stage.job
    console.print(f"[bold]1  pulumi up[/]: {job.nodes * job.ranks_per_node} workers train, then the model is served")
    with Live(console, "up", verbose=True) as live, Saboteur(stage.run_folder, live.say) as saboteur:
        _require(stage.engine.up(STACK, watch=live.watch))
    if saboteur.accident is None:
        console.print("   the run was past the middle already: no worker was killed this time")
        return
    try:
        recovery = read_recovery(stage.run_folder, saboteur.accident)
    except ValueError as error:
        raise PenstockError(str(error)) from None
    console.print(
        f"   rank {saboteur.accident.rank} was lost after step {recovery.reached}; the run went on from the checkpoint "
        f"of step {recovery.resumed_from} after {recovery.gap_s:.1f} s: {recovery.repeated} steps were done again, "
        "none was lost"
    )


def learned(stage: Stage, console: Console) -> None:
    """The loss against a baseline that knows only how often each token occurs."""
    console.print("[bold]2  what it learned[/] (loss in nats per token)")
    found = read_learning(stage.run_folder)
    console.print(f"   before {found.first_loss:.2f}, unigram baseline {found.unigram_loss:.2f}, "
                  f"after {found.validation_loss:.2f} on held-out files")  # fmt: skip
    console.print(f"   {found.tokens_per_s:,.0f} tokens/s; goodput {found.goodput.share:.0%}: "
                  f"{ledger_line(found.goodput.seconds)}")  # fmt: skip
    for picture in sorted(stage.run_folder.glob("loss.*")):
        kept = shutil.copy(picture, stage.folder / picture.name)
        console.print(f"   picture: {os.path.relpath(kept)}")
    if found.validation_loss >= found.unigram_loss:
        raise PenstockError("the model did not get below the unigram baseline: it learned nothing worth serving")


def ask(stage: Stage, console: Console) -> None:
    """A completion from the service, as any OpenAI client would ask for it."""
    console.print(f"[bold]3  the model answers[/] at {_endpoint(stage)}/v1/completions")
    text = _completion(stage, max_tokens=60, temperature=0.7, seed=7)
    console.print("\n".join(f"   | {line}" for line in (PROMPT + text).splitlines()), markup=False)
    greedy = _completion(stage, max_tokens=GREEDY_TOKENS, temperature=0)
    judge(greedy, greedy_text(newest_export(stage.run_folder), PROMPT, GREEDY_TOKENS), console)


def judge(ours: str, theirs: str | None, console: Console) -> None:
    """Compares the likeliest text of the service with that of `transformers`; PenstockError where they differ."""
    if theirs is None:
        console.print("   transformers is not installed, so nobody else has read the export (`make setup` brings it)")
        return
    if ours != theirs:
        raise PenstockError(f"the service writes {ours!r}, but transformers writes {theirs!r} with the same export")
    console.print(f"   transformers writes the same {GREEDY_TOKENS} likeliest tokens from the same export")


def _endpoint(stage: Stage) -> str:
    return str(stage.engine.export_state(STACK).outputs["endpoints"][0])


def _completion(stage: Stage, **asked: float) -> str:
    assert stage.plan.inference is not None
    body = {"model": stage.plan.inference.name, "prompt": PROMPT, **asked}
    request = urllib.request.Request(  # noqa: S310 - the scheme is http on loopback
        f"{_endpoint(stage)}/v1/completions",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return str(json.load(answer)["choices"][0]["text"])


def _nothing_changes(stage: Stage, console: Console) -> None:
    """`pulumi up` again."""
    console.print("[bold]4  pulumi up again[/]")
    with Live(console, "up", verbose=True) as live:
        result = _require(stage.engine.up(STACK, watch=live.watch))
    if result.changed:
        raise PenstockError(f"a second `up` changed {dict(result.changed)}, but nothing had been asked for")
    console.print(f"   {result.changes['same']} resources, none changed, {result.seconds:.1f} s")


def _nothing_left(stage: Stage, console: Console) -> None:
    """`pulumi destroy`, and a look at all the places where something could be left."""
    console.print("[bold]5  pulumi destroy[/]")
    with Live(console, "destroy", verbose=True) as live:
        _require(stage.engine.destroy(STACK, watch=live.watch))
    ports = stage.plan.inference.ports if stage.plan.inference else ()
    resources = tuple(resource.urn for resource in stage.engine.export_state(STACK).resources)
    if left := leftovers(stage.volume, ports, resources):
        raise PenstockError("left after destroy: " + "; ".join(left))
    stage.engine.stack_rm(STACK)
    (stage.folder / "stack.yaml").unlink()
    console.print(f"   no process, no open port, no file under {stage.volume}, no resource: nothing is left")


def _require(result: Result) -> Result:
    if not result.ok:
        reasons = "\n".join(result.errors) or result.output
        hint = "interrupted; `make demo` goes on from here" if result.interrupted else "`make demo` goes on from here"
        raise PenstockError(f"{reasons}\n{hint}")
    return result


if __name__ == "__main__":
    sys.exit(main())
