"""Images that a stack's pods will pull: whether they are in their registry, and for the processors of the nodes."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from components.errors import Problem, Problems, SpecError
from components.plan.images import Built, Copied, ImagePlan
from providers.aws.asked import asked
from providers.aws.images.questions import ABSENT, ACTION, architectures, described, full_name, place_of

GET_S = 30.0
"""Seconds that a configuration of some KB may take."""


def image_problems(
    images: Sequence[ImagePlan],
    stack: str,
    account: str,
    region: str,
    client: Callable[..., Any],
    read: Callable[[str], bytes] | None = None,
) -> list[Problem]:
    """Images of ECR that are not there, or not for the nodes. What may not be read is told and stops nothing: `up`
    itself does not ask for it.
    """
    problems, missing = Problems(), []
    for image in images:
        place = place_of(image, account, region)
        if place is None:
            continue
        ecr = client("ecr") if place[1] == region else client("ecr", region_name=place[1])
        there = problems.collect(_is_there, image, stack, place[0], ecr)
        if there is False:
            missing.append(image)
        elif there and not isinstance(image.origin, Copied):
            problems += problems.collect(_for_others, image, stack, place[0], ecr, read or _read) or ()
    return [*_missing(missing, stack), *problems]


def _is_there(image: ImagePlan, stack: str, account: str, ecr: Any) -> bool:
    request = partial(described, ecr, account, full_name(image, stack), image)
    return asked(ACTION, image.asked_at, request, absent=ABSENT, stops=False) is not None


def _missing(missing: Sequence[ImagePlan], stack: str) -> Iterator[Problem]:
    """A problem for each; the copies, which one command brings, together."""
    copies = [image for image in missing if isinstance(image.origin, Copied)]
    for image in missing:
        if not isinstance(image.origin, Copied):
            yield Problem(path=image.asked_at, message=f"{_shown(image, stack)} is not there; {_remedy(image, stack)}")
    if copies:
        first = _shown(copies[0], stack)
        message = f"{len(copies)} images of add-ons are not in the stack's registry ({first}, ...)"
        yield Problem(path=copies[0].asked_at, message=f"{message}; run `penstock images push {stack}`")


def _remedy(image: ImagePlan, stack: str) -> str:
    command = f"`penstock images push {stack}`"
    match image.origin:
        case Built():
            pinned = f", and take its digest out of penstock:images, or run it where {image.digest} was pushed"
            gate = ", or set platform.gate.enabled to false" if image.asked_at == "platform.gate" else ""
            return f"run {command}, which builds and pushes it{pinned if image.digest else ''}{gate}"
        case _ if image.is_the_stacks:
            return f"run {command}, which makes its repository and shows how to push it"
        case _:
            return f"push it there, or leave {image.asked_at} out for penstock's own and run {command}"


def _for_others(
    image: ImagePlan, stack: str, account: str, ecr: Any, read: Callable[[str], bytes]
) -> list[Problem]:  # fmt: skip
    """The problem of an image that is not built for all the nodes that pull it."""
    repository = full_name(image, stack)
    digest = image.digest or described(ecr, account, repository, image)["imageDigest"]
    request = partial(architectures, ecr, account, repository, digest, read)
    action = "ecr:BatchGetImage and ecr:GetDownloadUrlForLayer"
    found = asked(action, image.asked_at, request, stops=False) or frozenset()
    lacking = [one for one in image.architectures if one not in found]
    if not lacking:
        return []
    message = f"{_shown(image, stack)} is for {', '.join(sorted(found))}, and nodes that pull it are {lacking[0]}"
    remedy = "push one for both" if len(image.architectures) > 1 else f"push one that is built for {lacking[0]}"
    return [Problem(path=image.asked_at, message=f"{message}; {remedy}, under another tag")]


def _shown(image: ImagePlan, stack: str) -> str:
    name = f"{full_name(image, stack)}{image.name.removeprefix(image.repository)}"
    return f"{name!r} in the stack's registry" if image.is_the_stacks else f"'{image.registry}/{name}'"


def _read(url: str) -> bytes:
    import httpx

    try:
        answer = httpx.get(url, timeout=GET_S)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        message = f"its configuration, which names its processor, could not be read ({error}); run again"
        raise SpecError([Problem(path="images", message=message, stops=False)]) from None
    return answer.content
