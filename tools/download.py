"""Files from the network: resumed where an earlier run stopped, verified, with the time left."""

import errno
import hashlib
import http.client
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPMessage
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from tools.cache import cache_root, locked
from tools.steps import FULL, SetupError, Step, check_stopped, time_left

TIMEOUT_S = 5.0
"""For a connection and for each piece: a machine that cannot reach a host goes on to the next source in seconds."""
PIECE = 1 << 18
SMALL = 4 << 20
"""Most bytes of a list of checksums or a manifest."""
NO_HEADERS: Mapping[str, str] = {}


class UnavailableError(Exception):
    """A source cannot be used from here; the next one may do."""


class StatusError(UnavailableError):
    """The server answered with an error."""

    def __init__(self, url: str, status: int, challenge: str) -> None:
        super().__init__(f"{url} answers {status} ({http.client.responses.get(status, 'unknown')})")
        self.status = status
        self.challenge = challenge
        """Form in which the server wants to be asked (WWW-Authenticate)."""


class _HttpsStays(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but none that leaves https."""

    def redirect_request(  # type: ignore[no-untyped-def]
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers, newurl: str
    ) -> urllib.request.Request | None:
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            raise urllib.error.URLError(f"it redirects to {newurl}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_opener = urllib.request.build_opener(_HttpsStays)
_unreachable: dict[str, str] = {}
"""Hosts that could not be reached, and why: asked once in the life of this process."""


def read(url: str, headers: Mapping[str, str] = NO_HEADERS) -> tuple[bytes, HTTPMessage]:
    """A small file and the answer's headers. UnavailableError where it cannot be had."""
    with _open(url, headers) as response:
        try:
            body = response.read(SMALL + 1)
        except (OSError, http.client.HTTPException) as error:
            raise UnavailableError(f"{url} broke off ({_reason(error)})") from error
        if len(body) > SMALL:
            raise UnavailableError(f"{url} has more than {SMALL >> 20} MiB, which no such file has")
        return body, response.headers


def listed_digest(name: str, checksums: str) -> str:
    """`sha256:...` of the file in a published list: `HEX  NAME` lines, or the one HEX of a file of its own."""
    lines = [line.split() for line in checksums.splitlines() if line.strip()]
    found = [line[0] for line in lines if len(line) == 2 and line[1].removeprefix("*") == name]
    if not found and len(lines) == 1 and len(lines[0]) == 1:
        found = lines[0]
    if len(found) != 1 or not re.fullmatch("[0-9a-f]{64}", found[0]):
        raise UnavailableError(f"the published checksums do not name {name}")
    return f"sha256:{found[0]}"


def fetch(url: str, digest: str, target: Path, step: Step, headers: Mapping[str, str] = NO_HEADERS) -> None:
    """Puts the file at `url` to `target`. Refuses one whose digest is not `digest` (`sha256:...`) with SetupError.

    What arrived before an interruption lies in the cache, by its digest, and is not asked for again.
    """
    part = cache_root() / "downloads" / f"{digest.partition(':')[2]}.part"
    with locked(part.with_suffix(".lock"), what=Path(urlsplit(url).path).name):
        _complete(url, digest, part, step, headers)
        shutil.move(part, target)


def download(url: str, target: Path, step: Step) -> None:
    """Puts the file at `url` to `target`, as far as it comes: for what is verified by its content."""
    total = _append(url, target, step, NO_HEADERS)
    if total is not None and target.stat().st_size < total:
        raise UnavailableError(f"{url} broke off at {target.stat().st_size:,} of {total:,} bytes")


def _digest_of(path: Path) -> str:
    """`sha256:...` of a file."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def refuse(url: str, actual: str, wanted: str) -> SetupError:
    """The error for a file that is another one than was published."""
    return SetupError(f"{url} has {actual}, {wanted} is right; do not use this network, or try again later")


def _complete(url: str, digest: str, part: Path, step: Step, headers: Mapping[str, str]) -> None:
    while True:
        before = part.stat().st_size if part.exists() else 0
        if before and _digest_of(part) == digest:
            return
        total = _append(url, part, step, headers)
        size = part.stat().st_size
        if total is not None and size < total:
            if size <= before:
                raise UnavailableError(f"{url} broke off at {size:,} of {total:,} bytes")
            continue
        actual = _digest_of(part)
        if actual == digest:
            return
        part.unlink()
        if not before:
            raise refuse(url, actual, digest)
        # What lay here may have been the beginning of something else: once more, from the start.


def _append(url: str, part: Path, step: Step, headers: Mapping[str, str]) -> int | None:
    """Adds what `part` lacks, as far as the connection lasts. The size of the whole, None where nobody says."""
    offset = part.stat().st_size if part.exists() else 0
    asked = {"Range": f"bytes={offset}-"} if offset else {}
    try:
        with _open(url, {**headers, **asked}) as response:
            if offset and not (response.headers.get("Content-Range") or "").startswith(f"bytes {offset}-"):
                offset = 0
            length = response.headers.get("Content-Length")
            total = offset + int(length) if length else None
            with part.open("ab" if offset else "wb") as file:
                for piece in _pieces(response, offset, total, step):
                    _write(file, piece)
    except StatusError as error:
        if error.status != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not offset:
            raise
        part.unlink()
        return _append(url, part, step, headers)
    return total


def _pieces(response: IO[bytes], offset: int, total: int | None, step: Step) -> Iterator[bytes]:
    """The pieces that arrive until the answer ends or breaks off."""
    start, arrived = time.monotonic(), 0
    while True:
        check_stopped()
        try:
            piece = response.read(PIECE)
        except (OSError, http.client.HTTPException):
            return
        if not piece:
            return
        arrived += len(piece)
        step.detail = _progress(arrived, offset, total, time.monotonic() - start)
        yield piece


def _progress(arrived: int, offset: int, total: int | None, seconds: float) -> str:
    """`11 s left, 12 of 45 MiB, 3.1 MiB/s`: at the mean rate of this connection."""
    done = f"{(offset + arrived) / 2**20:.0f}"
    if total is None:
        return f"{done} MiB"
    rate = f"{arrived / 2**20 / seconds:.1f} MiB/s" if seconds else ""
    parts = [time_left(arrived, total - offset, seconds), f"{done} of {total / 2**20:.0f} MiB", rate]
    return ", ".join(part for part in parts if part)


def _write(file: IO[bytes], piece: bytes) -> None:
    try:
        file.write(piece)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise SetupError(f"{Path(file.name).parent}: {FULL}") from error
        raise


@contextmanager
def _open(url: str, headers: Mapping[str, str]) -> Iterator[http.client.HTTPResponse]:
    host = urlsplit(url).netloc
    if host in _unreachable:
        raise UnavailableError(_unreachable[host])
    request = urllib.request.Request(url)  # noqa: S310 - constant addresses, and where they redirect to
    for name, value in headers.items():
        # Not sent on to where the answer redirects to: a store of files refuses a registry's token.
        (request.add_unredirected_header if name == "Authorization" else request.add_header)(name, value)
    try:
        response = _opener.open(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        with error:
            raise StatusError(url, error.code, error.headers.get("WWW-Authenticate", "")) from error
    except (OSError, http.client.HTTPException) as error:
        _unreachable[host] = f"{host} cannot be reached ({_reason(error)})"
        raise UnavailableError(_unreachable[host]) from error
    with response:
        yield response


def _reason(error: Exception) -> object:
    reason = getattr(error, "reason", error)
    return getattr(reason, "strerror", None) or reason
