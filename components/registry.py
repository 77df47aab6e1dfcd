"""A registry that keeps a stack's images, as the command that pushes them sees it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from components.plan.images import ImagePlan


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundImage:
    """An image that is there."""

    digest: str
    size_bytes: int
    """Of its layers as they are stored, compressed."""
    pushed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A name and a password that a host takes for some hours."""

    host: str
    user: str
    password: str

    def __repr__(self) -> str:
        """Without the password, which belongs into no log."""
        return f"Login(host={self.host!r}, user={self.user!r})"


class ImageRegistry(Protocol):
    """The stack's own registry. PenstockError where it gives no answer."""

    @property
    def address(self) -> str:
        """Host and path, below which its repositories are."""
        ...

    @property
    def login_lines(self) -> tuple[str, ...]:
        """Lines for a shell that log in, with `ENGINE` for the container engine: for who has none here."""
        ...

    def delete_line(self, repository: str) -> str:
        """A line for a shell that deletes the repository and all that is in it."""
        ...

    def found(self, image: ImagePlan) -> FoundImage | None:
        """The image; None where there is no such repository, or none with that digest or tag in it."""
        ...

    def make(self, repository: str) -> bool:
        """A repository that takes the stack's images, and True if it was not there. PenstockError where one of that
        name is another's.
        """
        ...

    def logins(self, hosts: Iterable[str]) -> tuple[Login, ...]:
        """Logins of those of the hosts that this registry's cloud gives any for."""
        ...
