"""The HTTP face: OpenAI's endpoints, health, readiness and metrics."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from workloads.serve.ask import Ask
from workloads.serve.errors import ReplyError, ended
from workloads.serve.reply import DONE, Reply, event
from workloads.serve.schema import ChatBody, CompletionBody, parse
from workloads.serve.sequence import Finish, Output
from workloads.serve.service import Mailbox, Service, ServiceState

MOST_BODY_BYTES = 8 * 2**20
LONG_BODY_BYTES = 32 * 2**10
"""From here on a prompt is tokenized in another thread, so that other replies are not held up."""

T = TypeVar("T")


def create_app(service: Service, on_end: Callable[[], None]) -> FastAPI:
    """The ASGI application of a replica. It loads when it starts, and drains on SIGTERM and SIGINT."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        tasks: set[asyncio.Task[None]] = set()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, lambda: tasks.add(loop.create_task(service.drain())))
        service.start(on_end)
        yield

    app = FastAPI(title="penstock", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(ReplyError, _refused)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(ClientDisconnect, _refused)
    _add_state_routes(app, service)
    _add_model_routes(app, service)
    return app


def _add_state_routes(app: FastAPI, service: Service) -> None:
    @app.get("/health")
    async def health() -> Response:
        """Live: the process answers and its engine has not failed."""
        failed = service.state is ServiceState.FAILED
        return JSONResponse({"status": service.state.value}, status_code=500 if failed else 200)

    @app.get("/ready")
    async def ready() -> Response:
        """Weights are loaded and warmed up, and the replica is not draining."""
        is_ready = service.state is ServiceState.READY
        return JSONResponse({"status": service.state.value}, status_code=200 if is_ready else 503)

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)


def _add_model_routes(app: FastAPI, service: Service) -> None:
    @app.get("/v1/models")
    async def models() -> Response:
        return JSONResponse({"object": "list", "data": [_card(service)]})

    @app.get("/v1/models/{model}")
    async def model(model: str) -> Response:
        _check_model(service, model)
        return JSONResponse(_card(service))

    @app.post("/v1/completions")
    async def completions(request: Request) -> Response:
        asker = service.asker
        content = await _read(request)
        body = parse(CompletionBody, content)
        _check_model(service, body.model)
        ask = await _maybe_elsewhere(lambda: asker.completion(body), len(content))
        return await _answer(service, request, ask, Reply(ask, service.name, asker.vocabulary, chat=False))

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        asker = service.asker
        content = await _read(request)
        body = parse(ChatBody, content)
        _check_model(service, body.model)
        ask = await _maybe_elsewhere(lambda: asker.chat(body), len(content))
        return await _answer(service, request, ask, Reply(ask, service.name, asker.vocabulary, chat=True))


async def _refused(_: Request, error: Exception) -> Response:
    if isinstance(error, ReplyError):
        return error.response()
    if isinstance(error, HTTPException):
        return ReplyError(error.status_code, str(error.detail), headers=error.headers).response()
    return Response(status_code=499)  # nobody reads it: the client is gone (nginx's number for that)


def _card(service: Service) -> dict[str, object]:
    card = {"id": service.name, "object": "model", "created": service.created, "owned_by": "penstock"}
    return {**card, "max_model_len": service.asker.context} if service.state is ServiceState.READY else card


def _check_model(service: Service, model: str) -> None:
    if model != service.name:
        raise ReplyError(
            404,
            f"the model {model!r} does not exist; this server has {service.name!r}",
            param="model",
            code="model_not_found",
        )


async def _read(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BODY_BYTES:
            raise ReplyError(413, f"the body is larger than {MOST_BODY_BYTES} bytes", code="body_too_large")
        parts.append(part)
    return b"".join(parts)


async def _maybe_elsewhere(work: Callable[[], Ask], body_bytes: int) -> Ask:
    return await asyncio.to_thread(work) if body_bytes > LONG_BODY_BYTES else work()


async def _answer(service: Service, request: Request, ask: Ask, reply: Reply) -> Response:
    """The whole answer, or a stream that begins with the first token, so that what fails before has its status."""
    mailbox = service.open(ask)
    try:
        batches = mailbox.batches()
        if not ask.stream:
            return JSONResponse(await _unless_gone(request, _whole(ask, reply, batches)))
        first = await _unless_gone(request, anext(batches))
        _raise_if_ended(first)
    except BaseException:
        service.close(mailbox)
        raise
    finally:
        if not ask.stream:
            service.close(mailbox)
    return EventStream(service, mailbox, _events(reply, first, batches))


class EventStream(StreamingResponse):
    """Server-sent events that end their sequences when the client goes away."""

    def __init__(self, service: Service, mailbox: Mailbox, events: AsyncIterator[bytes]) -> None:
        super().__init__(events, media_type="text/event-stream", headers={"Cache-Control": "no-cache"})
        self._service, self._mailbox = service, mailbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._service.close(self._mailbox)


async def _events(reply: Reply, first: list[Output], batches: AsyncIterator[list[Output]]) -> AsyncIterator[bytes]:
    try:
        yield _chunks(reply, first)
        async for outputs in batches:
            yield _chunks(reply, outputs)
        yield reply.end()
    except ReplyError as error:
        yield event(error.body()) + DONE


def _chunks(reply: Reply, outputs: list[Output]) -> bytes:
    _raise_if_ended(outputs)
    return b"".join(reply.chunk(output) for output in outputs if output.text or output.logprobs or output.finish)


async def _whole(ask: Ask, reply: Reply, batches: AsyncIterator[list[Output]]) -> dict[str, object]:
    texts: list[list[str]] = [[] for _ in ask.sequences]
    logprobs: list[list[Any]] = [[] for _ in ask.sequences]
    async for outputs in batches:
        _raise_if_ended(outputs)
        for output in outputs:
            texts[output.sequence.index].append(output.text)
            logprobs[output.sequence.index] += output.logprobs
    return reply.whole(["".join(parts) for parts in texts], logprobs)


def _raise_if_ended(outputs: list[Output]) -> None:
    for output in outputs:
        if output.finish not in (None, Finish.STOP, Finish.LENGTH):
            raise ended(output.finish)


async def _unless_gone(request: Request, work: Awaitable[T]) -> T:
    """The result of `work`, given up with ClientDisconnect when the client closes the connection first."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(request.receive())  # the body is read: what comes next is the disconnect
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        gone.cancel()
        task.cancel()
