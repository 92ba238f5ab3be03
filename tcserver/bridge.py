"""
Runs Django, which waits for its database, in a fixed number of threads behind an ASGI server.

Django's own handler gives each request a thread and a database connection of its own, without
bound, and changes threads for each part of a request.  Here a request is one turn of one thread
that keeps its connection.  Knows ASGI and Django's handler.
"""

import asyncio
import io
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from typing import Any, TypeAlias

import attrs
from django.core import signals
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.base import BaseHandler
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from tcserver.outages import unavailable

PATIENCE = 5.0
"""
Seconds that a request waits for a thread.  Where the database holds up all of them it is refused
then, so that what has gathered meanwhile is not in the way of what comes afterwards.
"""
TURN = 0.001
"""
Seconds for which a thread keeps the interpreter from the event loop and others, where Python has
5 ms: while a page is made for one person, the client for which another one waits asks its database
a dozen times, and waits for the interpreter after each.
"""
ALIVE = "/healthz"
"""What is answered in a thread of its own: it says that the process lives, whatever is held up."""

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]


@attrs.frozen
class Rendered:
    """
    An answer of Django's: the head, and the body or, where `stream` is given, an iterator of it
    which waits for database or disk.  `close` is called when a stream is over.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    stream: Iterator[bytes] | None
    close: Callable[[], None]


class DjangoInThreads(BaseHandler):
    """
    An ASGI application for HTTP: Django, synchronous, in `threads` threads.

    A body of more than `most` bytes is answered with 413, and a request for which no thread was
    free within `patience` seconds with 503.
    """

    def __init__(self, threads: int, most: int, patience: float = PATIENCE) -> None:
        super().__init__()
        sys.setswitchinterval(TURN)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="django")
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="alive")
        self._most = most
        self._patience = patience
        self.load_middleware(is_async=False)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request; one whose body does not come whole is given up."""
        loop = asyncio.get_running_loop()
        body = await _read(receive, self._most)
        if body is None:
            return
        threads = self._aside if scope["path"] == ALIVE else self._threads
        came = time.monotonic()
        rendered = await loop.run_in_executor(threads, self._respond, scope, body, came)
        head = {"status": rendered.status, "headers": rendered.headers}
        await send({"type": "http.response.start", **head})
        if rendered.stream is None:
            await send({"type": "http.response.body", "body": rendered.body})
            return
        try:
            while piece := await loop.run_in_executor(self._threads, next, rendered.stream, b""):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body"})
        finally:
            await loop.run_in_executor(self._threads, rendered.close)

    def close(self) -> None:
        """End the threads, once they have nothing to do."""
        self._threads.shutdown()
        self._aside.shutdown()

    def _respond(self, scope: Message, body: bytes, came: float) -> Rendered:
        """Return Django's answer to a request that is there since `came`; called in a thread."""
        if time.monotonic() - came > self._patience:
            return _render(unavailable(scope["path"], "The server is busy."))
        # Daphne takes it from a header that anybody can send: the server is at the root.
        scope = {**scope, "root_path": ""}
        set_script_prefix("/")
        signals.request_started.send(sender=type(self), scope=scope)
        if len(body) > self._most:
            return _render(_too_large(self._most))
        return _render(self.get_response(ASGIRequest(scope, io.BytesIO(body))))


async def _read(receive: Receive, most: int) -> bytes | None:
    """Return the body, cut one byte behind `most`; None if whoever asks hangs up before its end."""
    pieces, length = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        piece = message.get("body", b"")
        if length <= most:
            pieces.append(piece)
            length += len(piece)
        if not message.get("more_body", False):
            return b"".join(pieces)[: most + 1]


def _render(response: HttpResponseBase) -> Rendered:
    """Return the parts of an answer; one that is no stream is over with this."""
    headers = [(b"Date", formatdate(usegmt=True).encode())]
    headers += [(name.encode("ascii"), value.encode("latin1")) for name, value in response.items()]
    headers += [
        (b"Set-Cookie", cookie.output(header="").encode("ascii").strip())
        for cookie in response.cookies.values()
    ]
    if isinstance(response, HttpResponse):
        headers.append((b"Content-Length", str(len(response.content)).encode()))
        response.close()
        return Rendered(response.status_code, headers, response.content, None, response.close)
    assert isinstance(response, StreamingHttpResponse)
    stream = (piece for piece in response if piece)
    return Rendered(response.status_code, headers, b"", stream, response.close)


def _too_large(most: int) -> HttpResponse:
    detail = f"The request has more than {most} bytes."
    return JsonResponse({"detail": detail}, status=413)
