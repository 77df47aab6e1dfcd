"""`penstock images`: the images of a stack's plan, built, pushed and listed, before the first `up`."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from penstock.stack_argument import Stack

if TYPE_CHECKING:
    from pathlib import Path

    from components.plan.images import ImagePlan
    from components.plan.stack import StackPlan
    from components.registry import ImageRegistry
    from penstock.images.steps import Found

app = typer.Typer(help="The images that a stack pulls from its own registry.", no_args_is_help=True)


def _no_engine(wrong: str) -> str:
    """Fact and remedy where no container engine works here; `wrong` says why those that are installed do not."""
    if wrong:
        return f"{wrong}; start its daemon, or install podman or buildah, which need none"
    return "no container engine is here (podman, docker or buildah); install one"


@app.command("build")
def build(stack: Stack) -> None:
    """Build penstock's own images of a stack's plan here. No account is asked."""
    from components.errors import PenstockError
    from components.plan.images import Built
    from penstock.images import steps
    from penstock.images.containers import engine_here

    plan, _ = _planned(stack)
    images = [image for image in plan.images if isinstance(image.origin, Built)]
    engine, wrong = engine_here()
    if not images:
        typer.echo(f"{plan.stack} pulls no image of penstock's own")
    elif engine is None:
        remedy = f"run `penstock images push {plan.stack}` for the lines"
        raise PenstockError(f"{_no_engine(wrong)}, or {remedy}")
    else:
        steps.build(images, engine, typer.echo)


@app.command("push")
def push(stack: Stack) -> None:
    """Bring every missing image into the stack's registry, and write the digests into the stack file."""
    from components.errors import PenstockError
    from components.plan.images import Given
    from penstock.images import steps
    from penstock.images.containers import copier_here, engine_here

    plan, file = _planned(stack)
    registry = _registry(plan)
    if registry is None:
        return
    missing = [image for image, found in steps.look(plan.images, registry).items() if found is None]
    (engine, wrong), copier = engine_here(), copier_here()
    run = steps.Push(registry=registry, engine=engine, copier=copier, say=typer.echo)
    if not steps.can_bring(missing, engine, copier):
        run.make(missing)
        for line in steps.lines(missing, registry):
            typer.echo(line)
        raise PenstockError(
            f"{_no_engine(wrong)}, or run the lines above where one is, in a checkout of penstock; then run this "
            "command again, which writes down the digests"
        )
    run.bring(missing)
    _pin(file, steps.look(plan.images, registry))
    given = [image for image in missing if isinstance(image.origin, Given)]
    for line in steps.given_lines(given, registry):
        typer.echo(line)
    if given:
        raise PenstockError(f"{', '.join(image.name for image in given)}: yours to build and push, by the lines above")


@app.command("list")
def list_images(stack: Stack) -> None:
    """List the images of a stack's plan: which are in its registry, and which are missing."""
    from rich.console import Console

    from penstock import tables
    from penstock.images import steps

    plan, _ = _planned(stack)
    registry = _registry(plan)
    if registry is None:
        return
    console = Console(highlight=False)
    found = steps.look(plan.images, registry)
    rows = [_row(image, found) for image in plan.images]
    tables.show(
        tables.Table(("image", "from", "digest", "MB", "pushed"), rows).lines(tables.width_of(console)), console
    )
    typer.echo(f"in {registry.address}; `pulumi destroy` keeps them, and these lines delete them:")
    for repository in dict.fromkeys(image.repository for image, one in found.items() if one):
        typer.echo(f"  {registry.delete_line(repository)}")
    if any(one is None for one in found.values()):
        typer.echo(f"`penstock images push {plan.stack}` brings what is missing")


def _planned(stack: str) -> "tuple[StackPlan, Path]":
    from stacks.config import read_path, stack_file
    from stacks.plan import plan_read

    found = stack_file(stack)
    return plan_read(lambda: read_path(found.path), found.name, datetime.now(UTC)), found.path


def _registry(plan: "StackPlan") -> "ImageRegistry | None":
    """The stack's own registry; None, and a word of it, where the plan has no image in one."""
    from providers.registry import open_registry

    if any(image.is_the_stacks for image in plan.images):
        return open_registry(plan)
    typer.echo(f"{plan.stack} pulls no image from a registry of its own")
    return None


def _pin(file: "Path", found: "Found") -> None:
    """Writes the digests of penstock's own images into the stack file, or shows the line."""
    from components.plan.images import Built
    from penstock.images.pins import pin, pin_line

    digests = {image.tag: one.digest for image, one in found.items() if one and isinstance(image.origin, Built)}
    if not digests or all(image.digest == digests.get(image.tag) for image in found if isinstance(image.origin, Built)):
        return
    if pin(file, digests):
        typer.echo(f"{file.name}: every `up` pulls these digests now; commit the line")
    else:
        typer.echo(f"{file.name}: put this line under `config:`, so that every `up` pulls these digests")
    typer.echo(f"  {pin_line(digests)}")


def _row(image: "ImagePlan", found: "Found") -> tuple[str, ...]:
    from components.plan.images import Built, Copied

    match image.origin:
        case Built(target=target):
            source = f"images/cuda, {target}, {image.architectures[0]}"
        case Copied(source=source):
            pass
        case _:
            source = image.asked_at
    if image not in found:
        return f"{image.registry}/{image.name}", source, "not looked for", "", ""
    one = found[image]
    if one is None:
        return image.name, source, "missing", "", ""
    return image.name, source, one.digest[:19], f"{one.size_bytes / 1e6:,.0f}", f"{one.pushed_at:%Y-%m-%d %H:%MZ}"
