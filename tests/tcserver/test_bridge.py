"""The bridge from ASGI to Django: bodies, streams, and those who hang up."""

import asyncio
import json
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from twisted.trial.unittest import SynchronousTestCase

from tcserver.bridge import ALIVE, PATIENCE, TURN, DjangoInThreads, Message

MOST = 1000
SCOPE: dict[str, Any] = {
    "type": "http",
    "method": "POST",
    "path": "/page",
    "query_string": b"a=1",
    "headers": [(b"host", b"testserver"), (b"content-type", b"text/plain")],
    "server": ("127.0.0.1", 80),
    "client": ("127.0.0.1", 9),
    "root_path": "/elsewhere",
}


class Bridged(DjangoInThreads):
    """The bridge to one view instead of all of Django."""

    def __init__(self, view: Any) -> None:
        super().__init__(2, MOST)
        self.view = view

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = self.view(request)
        return response


class BridgeTests(SynchronousTestCase):
    def asked(self, view: Any, *messages: Message, **changes: Any) -> list[Message]:
        """What is sent when these messages come."""
        sent: list[Message] = []
        coming = iter(messages)

        async def receive() -> Message:
            return next(coming)

        async def send(message: Message) -> None:
            sent.append(message)

        bridge = Bridged(view)
        asyncio.run(bridge({**SCOPE, **changes}, receive, send))
        bridge.close()
        return sent

    def body(self, *pieces: bytes) -> list[Message]:
        """The messages of a body that comes in pieces."""
        last = len(pieces) - 1
        return [
            {"type": "http.request", "body": piece, "more_body": place < last}
            for place, piece in enumerate(pieces)
        ]

    def test_whoever_computes_is_not_in_the_way_for_long(self) -> None:
        """Threads that wait for the interpreter have it sooner than Python gives it by itself."""
        self.addCleanup(sys.setswitchinterval, sys.getswitchinterval())
        sys.setswitchinterval(0.005)
        self.asked(lambda request: HttpResponse(), *self.body(b""))
        self.assertAlmostEqual(sys.getswitchinterval(), TURN)

    def test_a_request_and_its_answer(self) -> None:
        """The body comes whole; no header moves the addresses that the server makes."""

        def view(request: HttpRequest) -> HttpResponse:
            told = f"{request.method} {request.get_full_path()} ".encode() + request.body
            response = HttpResponse(told)
            response.set_cookie("a", "b")
            return response

        head, body = self.asked(view, *self.body(b"one ", b"two"))
        self.assertEqual(body["body"], b"POST /page?a=1 one two")
        headers = dict(head["headers"])
        self.assertEqual((head["status"], headers[b"Content-Length"]), (200, b"22"))
        self.assertTrue(headers[b"Set-Cookie"].startswith(b"a=b"))
        self.assertTrue(headers[b"Date"].endswith(b" GMT"))

    def test_a_large_body(self) -> None:
        """One byte too many is answered in JSON; the view is not asked."""
        for length, status in ((MOST, 200), (MOST + 1, 413), (50 * MOST, 413)):
            pieces = self.body(*[b"x" * 100] * (length // 100), b"x" * (length % 100))
            head, body = self.asked(lambda _: HttpResponse(b"{}"), *pieces)
            self.assertEqual(head["status"], status)
            json.loads(body["body"])

    def test_whoever_hangs_up(self) -> None:
        """Within the body: nobody is asked, nothing is sent."""
        gone = [self.body(b"one", b"")[0], {"type": "http.disconnect"}]
        self.assertEqual(self.asked(lambda _: self.fail("asked"), *gone), [])

    def test_one_that_has_waited_too_long(self) -> None:
        """Nobody is asked: 503, and when to come again, in the form of whoever asks."""
        bridge = Bridged(lambda _: self.fail("asked"))
        self.addCleanup(bridge.close)
        for path, kind in (("/page", "text/html"), ("/api/jobs/", "application/json")):
            came = time.monotonic() - PATIENCE - 1
            answer = bridge._respond({**SCOPE, "path": path}, b"", came)
            headers = dict(answer.headers)
            self.assertEqual((answer.status, headers[b"Retry-After"]), (503, b"5"))
            self.assertTrue(headers[b"Content-Type"].startswith(kind.encode()))
            self.assertIn(b"The server is busy.", answer.body)

    def test_a_sign_of_life(self) -> None:
        """It is given while all threads are held up."""
        held, asked = threading.Event(), []

        def view(request: HttpRequest) -> HttpResponse:
            if request.path != ALIVE:
                held.wait()
            asked.append(request.path)
            return HttpResponse()

        bridge = Bridged(view)

        async def ask(path: str) -> None:
            [message] = self.body(b"")

            async def receive() -> Message:
                return message

            async def send(message: Message) -> None:
                pass

            await bridge({**SCOPE, "path": path}, receive, send)

        async def all_of_them() -> None:
            others = [asyncio.ensure_future(ask("/page")) for _ in range(5)]
            await ask(ALIVE)
            held.set()
            await asyncio.gather(*others)

        asyncio.run(all_of_them())
        bridge.close()
        self.assertEqual(asked, [ALIVE, *["/page"] * 5])

    def test_a_stream(self) -> None:
        """It is sent piece by piece, and closed in the end."""
        closed = []

        def pieces() -> Iterator[bytes]:
            yield from (b"one", b"", b"two")
            closed.append(True)

        sent = self.asked(lambda _: StreamingHttpResponse(pieces()), *self.body(b""))
        self.assertEqual([message.get("body") for message in sent[1:]], [b"one", b"two", None])
        self.assertEqual([message.get("more_body") for message in sent[1:]], [True, True, None])
        self.assertEqual(closed, [True])
