"""Home folders in the paths that users write: `~` and `~user`."""

import os
import pwd
from pathlib import Path


def expand_home(text: str) -> Path:
    """The path with a leading `~` or `~user` replaced; ValueError with fact and remedy where there is no such home.

    An empty or relative HOME counts as none, and the home is then what the system's user database says.
    """
    first, _, rest = text.partition("/")
    if "\0" in text:
        raise ValueError(f"{text!r} has a NUL character, which no path can have; remove it")
    if not first.startswith("~"):
        return Path(text)
    return Path(_home_of(first[1:], text), rest)


def _home_of(user: str, text: str) -> str:
    """The home folder of that user, or of the one who runs this where none is named."""
    if not user and (home := os.environ.get("HOME", "")).startswith("/"):
        return home
    try:
        return (pwd.getpwnam(user) if user else pwd.getpwuid(os.getuid())).pw_dir
    except KeyError:
        pass
    if user:
        raise ValueError(f"{text!r}: this machine has no user {user!r}; correct the name, or give an absolute path")
    raise ValueError(
        f"{text!r}: HOME names no folder and this user has no home folder; set HOME, or give an absolute path"
    )
