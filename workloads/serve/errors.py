"""Errors that a client is told: OpenAI's error object, with the right status."""

from collections.abc import Mapping

from starlette.responses import JSONResponse

from workloads.serve.sequence import Finish


class ReplyError(Exception):
    """A refusal of one request."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code
        self.headers = dict(headers or {})

    def body(self) -> dict[str, dict[str, str | None]]:
        error = {"message": self.message, "type": _kind(self.status)}
        return {"error": {**error, "param": self.param, "code": self.code}}

    def response(self) -> JSONResponse:
        return JSONResponse(self.body(), status_code=self.status, headers=self.headers)


def wrong(param: str | None, message: str, code: str | None = None) -> ReplyError:
    """400: the request itself is wrong, in the parameter named."""
    return ReplyError(400, message, param=param, code=code)


def unready(message: str) -> ReplyError:
    """503: not now; another replica, or this one later, can answer."""
    return ReplyError(503, message, code="unavailable", headers={"Retry-After": "1"})


def ended(finish: Finish) -> ReplyError:
    """The error that a finish other than stop and length is shown as."""
    if finish is Finish.DEADLINE:
        return ReplyError(504, "the request reached its deadline before it was finished", code="deadline_exceeded")
    if finish is Finish.SHUTDOWN:
        return ReplyError(503, "the server stopped before the request was finished; send it again", code="unavailable")
    return ReplyError(500, "the server failed on this request", code="internal_error")


def _kind(status: int) -> str:
    """OpenAI's type of an error with that status: whose fault it is."""
    if status == 429:
        return "rate_limit_error"
    return "invalid_request_error" if 400 <= status < 500 else "server_error"
