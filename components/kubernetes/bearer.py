"""Token of an access on every request: got again before it ends, and once where the server refuses it."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator

import httpx

from components.kubernetes.kubeconfig import Access, KubeconfigError

MARGIN_S = 60.0
"""Seconds before its end at which a token is not used any more: clocks differ, and a request may wait for its turn."""


class BearerToken(httpx.Auth):
    """Safe to use from several threads. A request raises KubeconfigError where its token is refused and there is no
    other.

    A client certificate is proof for as long as its connection stands and is not got again.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._lock = threading.Lock()

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        used = self._lasting()
        _sign(request, used)
        answer = yield request
        if answer.status_code == httpx.codes.UNAUTHORIZED and used.renew:
            _sign(request, self._after(used))
            yield request

    def renewed(self) -> bool:
        """Gets the access once more, whatever the held one is good for; False where there is no way to."""
        return self._after(self._access).renew is not None

    def _lasting(self) -> Access:
        """The access held, or its successor where it ends soon; where there is none, the server judges the one held."""
        held = self._access
        if held.ends_s is None or held.ends_s - time.time() > MARGIN_S:
            return held
        try:
            return self._after(held)
        except KubeconfigError:
            return held

    def _after(self, used: Access) -> Access:
        """Successor of `used`, got once for all threads that ask for it."""
        with self._lock:
            if self._access is used and used.renew:
                self._access = used.renew()
            return self._access


def _sign(request: httpx.Request, access: Access) -> None:
    if access.token:
        request.headers["Authorization"] = f"Bearer {access.token}"
