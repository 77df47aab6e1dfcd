"""Steps that bring a stack's images into its registry."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from components.errors import PenstockError
from components.plan.images import Built, Copied, Given, ImagePlan
from components.registry import FoundImage, ImageRegistry
from penstock.images.containers import ContainerEngine, Copier
from penstock.images.context import build_context

Say = Callable[[str], None]
Found = dict[ImagePlan, FoundImage | None]


def look(images: Iterable[ImagePlan], registry: ImageRegistry) -> Found:
    """Each image of the stack's own registry as it is there. Penstock's own are looked for by their tags, whatever
    digest the stack file has.
    """
    by_tag = {image: replace(image, digest="") if isinstance(image.origin, Built) else image for image in images}
    return {image: registry.found(wanted) for image, wanted in by_tag.items() if image.is_the_stacks}


def build(images: Sequence[ImagePlan], engine: ContainerEngine, say: Say) -> None:
    """Builds penstock's own images here, under their names without a registry."""
    with build_context() as context:
        for image in images:
            if isinstance(image.origin, Built):
                say(f"{engine.program} builds {image.name}")
                engine.build(context, image.origin.target, image.architectures[0], image.name)


@dataclass(slots=True)
class Push:
    """One run of the command: what is missing goes to the registry, one image after the other."""

    registry: ImageRegistry
    engine: ContainerEngine | None
    copier: Copier | None
    say: Say
    done: list[str] = field(default_factory=list)
    under_way: str = ""

    def bring(self, missing: Sequence[ImagePlan]) -> None:
        """Makes the repositories, then builds, copies and pushes. PenstockError that says what is there by then; so
        does an interruption.
        """
        try:
            self.make(missing)
            self._log_in(missing)
            self._build(_of(missing, Built))
            self._copy(_of(missing, Copied))
        except KeyboardInterrupt:
            raise PenstockError(self._so_far("interrupted")) from None
        except PenstockError as error:
            raise PenstockError(self._so_far(str(error))) from None

    def _so_far(self, what: str) -> str:
        where = f" while {self.under_way}" if self.under_way else ""
        there = f"pushed: {', '.join(self.done)}" if self.done else "nothing was pushed"
        return f"{what}{where}; {there}. The same command goes on: what is in the registry is not pushed again"

    def make(self, missing: Sequence[ImagePlan]) -> None:
        """Repositories for them, the user's own among them."""
        for repository in dict.fromkeys(image.repository for image in missing):
            self.under_way = f"making the repository {repository}"
            if self.registry.make(repository):
                self.say(f"made the repository {self.registry.address}/{repository}; destroy keeps it")
        self.under_way = ""

    def _log_in(self, missing: Sequence[ImagePlan]) -> None:
        """The engine logs in where it pushes; who copies, also where it reads."""
        copied = _of(missing, Copied)
        host = self.registry.address.partition("/")[0]
        sources = [image.origin.source.partition("/")[0] for image in copied if isinstance(image.origin, Copied)]
        programs: list[tuple[ContainerEngine | Copier | None, list[str]]] = []
        if _of(missing, Built):
            programs.append((self.engine, [host]))
        if copied:
            programs.append((self.copier or self.engine, [host, *sources]))
        for program, hosts in programs:
            for login in self.registry.logins(dict.fromkeys(hosts)):
                assert program is not None, "who has no program is shown the lines"
                self.under_way = f"logging in to {login.host}"
                program.login(login)
        self.under_way = ""

    def _build(self, images: Sequence[ImagePlan]) -> None:
        if not images:
            return
        assert self.engine is not None, "who has no engine is shown the lines"
        with build_context() as context:
            for image in images:
                assert isinstance(image.origin, Built)
                name = f"{self.registry.address}/{image.name}"
                self.under_way = f"building {image.name}"
                self.say(f"{self.engine.program} builds {name}")
                self.engine.build(context, image.origin.target, image.architectures[0], name)
                self.under_way = f"pushing {image.name}"
                self.engine.push(name)
                self.done.append(image.name)
        self.under_way = ""

    def _copy(self, images: Sequence[ImagePlan]) -> None:
        for image in images:
            assert isinstance(image.origin, Copied)
            name = f"{self.registry.address}/{image.name}"
            self.under_way = f"copying {image.origin.source}"
            self.say(f"copies {image.origin.source}")
            if self.copier is not None:
                self.copier.copy(image.origin.source, name)
            else:
                assert self.engine is not None, "who has no engine is shown the lines"
                self.engine.copy(image.origin.source, name, image.architectures[0])
            self.done.append(image.name)
        self.under_way = ""


def lines(missing: Sequence[ImagePlan], registry: ImageRegistry) -> Iterator[str]:
    """Lines for a shell on a machine with a container engine, in a checkout of penstock: the same that `Push` does."""
    engine, copier = ContainerEngine(program="podman"), Copier(program="skopeo")
    yield from (line.replace("ENGINE", engine.program) for line in registry.login_lines)
    for image in _of(missing, Built):
        assert isinstance(image.origin, Built)
        name = f"{registry.address}/{image.name}"
        yield " ".join(engine.build_line(".", image.origin.target, image.architectures[0], name))
        yield f"{engine.program} push {name}"
    copied = _of(missing, Copied)
    if copied:
        yield from (line.replace("ENGINE", copier.program) for line in registry.login_lines)
    for image in copied:
        assert isinstance(image.origin, Copied)
        yield " ".join(copier.copy_line(image.origin.source, f"{registry.address}/{image.name}"))


def given_lines(missing: Sequence[ImagePlan], registry: ImageRegistry) -> Iterator[str]:
    """Lines that push the user's own images, once they are built here under the same name without a registry."""
    for image in _of(missing, Given):
        name = f"{registry.address}/{image.name}"
        yield f"podman tag {image.name} {name}"
        yield f"podman push {name}"


def can_bring(missing: Sequence[ImagePlan], engine: ContainerEngine | None, copier: Copier | None) -> bool:
    """True if the programs that are here bring all that penstock brings."""
    return all(
        engine is not None or (copier is not None and isinstance(image.origin, Copied))
        for image in missing
        if not isinstance(image.origin, Given)
    )


def _of(images: Sequence[ImagePlan], origin: type[Built | Copied | Given]) -> list[ImagePlan]:
    return [image for image in images if isinstance(image.origin, origin)]
