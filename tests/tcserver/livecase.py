"""
Real time without a server: sockets are queues, and all else is as in `tcserver up`, in a thread.

Acts are done in the test's own thread, as requests do them in theirs.
"""

import asyncio
import json
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from django.test import Client as Browser
from django.test import override_settings
from twisted.trial.unittest import SkipTest, TestCase

from tcserver.environment import channel_layer
from tests.tcserver.case import CommittedCase

LONG = 30.0
"""Seconds that nothing here takes, however loaded the machine is."""
HELLO = {"type": "hello", "protocol": 1, "installation": "one", "instance": "a", "host": "lab"}


class LoopThread(threading.Thread):
    """An event loop, from start() to end()."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.loop = asyncio.new_event_loop()

    def run(self) -> None:
        """Run it."""
        self.loop.run_forever()
        self.loop.close()

    def do(self, call: Any) -> Any:
        """Return what a coroutine returns."""
        return asyncio.run_coroutine_threadsafe(call, self.loop).result(LONG)

    def end(self) -> None:
        """End it."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.join(LONG)


class Peer:
    """The other end of a socket; `heard` has what has come, `code` that of a close."""

    def __init__(
        self, thread: LoopThread, live: Any, path: str, headers: Mapping[str, str], *offers: str
    ) -> None:
        self._thread = thread
        self._arrives: asyncio.Queue[Any] = asyncio.Queue()
        self._news = threading.Condition()
        self.heard: list[dict[str, Any]] = []
        self.code: int | None = None
        self.accepted: dict[str, Any] | None = None
        self._early: list[str] = []  # no server hands on what is said before it accepts
        scope = {
            "type": "websocket",
            "path": path,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ["127.0.0.1", 1],
            "subprotocols": [*offers],
        }
        self._put({"type": "websocket.connect"})
        self.served: Future[None] = asyncio.run_coroutine_threadsafe(
            live(scope, self._arrives.get, self._takes), thread.loop
        )

    def says(self, *messages: Mapping[str, Any]) -> None:
        """Send messages."""
        for message in messages:
            self.sends(json.dumps(message))

    def sends(self, text: str) -> None:
        """Send a text."""
        with self._news:
            if self.accepted is None:
                self._early.append(text)
            else:
                self._put({"type": "websocket.receive", "text": text})

    def hangs_up(self, code: int = 1006) -> None:
        """Be gone; return once the server is done with it."""
        self._put({"type": "websocket.disconnect", "code": code})
        self.served.result(LONG)

    def hears(self, kind: str, after: int = 0) -> dict[str, Any]:
        """Return the first message of a type among those after so many."""
        return self.until(
            lambda: next((one for one in self.heard[after:] if one.get("type") == kind), None), kind
        )

    def is_closed(self) -> int:
        """Return the code with which it is closed."""
        self.until(lambda: self.code is not None, "a close")
        self.served.result(LONG)
        assert self.code is not None
        return self.code

    def until(self, found: Callable[[], Any], what: str, seconds: float = LONG) -> Any:
        """Return what is found once it is there."""
        deadline = time.monotonic() + seconds
        with self._news:
            while not (value := found()):
                if not self._news.wait(deadline - time.monotonic()):
                    raise AssertionError(f"no {what}; heard {self.heard}, code {self.code}")
        return value

    async def _takes(self, message: dict[str, Any]) -> None:
        with self._news:
            if message["type"] == "websocket.accept":
                self.accepted = message
                for text in self._early:
                    self._put({"type": "websocket.receive", "text": text})
            elif message["type"] == "websocket.close":
                self.code = message.get("code", 1000)
                self._arrives.put_nowait({"type": "websocket.disconnect", "code": self.code})
            else:
                self.heard.append(json.loads(message["text"]))
            self._news.notify_all()

    def _put(self, message: dict[str, Any]) -> None:
        self._thread.loop.call_soon_threadsafe(self._arrives.put_nowait, message)


class LiveCase(CommittedCase):
    """Has `live`, by the layer of a Redis at `redis`, or by that of one process."""

    redis: str | None = None

    def setUp(self) -> None:
        super().setUp()
        layers = override_settings(CHANNEL_LAYERS={"default": channel_layer(self.redis, self.id())})
        layers.enable()
        self.addCleanup(layers.disable)
        self.thread = LoopThread()
        self.thread.start()
        self.addCleanup(self.thread.end)
        self.live = self.begin()

    def begin(self) -> Any:
        """Real time of one more process, as far as others can tell."""
        from tcserver.live.application import Live

        async def make() -> Live:
            return Live()

        live = self.thread.do(make())
        self.addCleanup(lambda: self.thread.do(live.close()))
        return live

    def connects(self, token: str | None = None, live: Any = None) -> Peer:
        """A client that has not said anything yet."""
        headers = {"authorization": f"Token {token or self.world.token}"}
        return Peer(self.thread, live or self.live, "/ws/client/", headers, "tcc.1")

    def greets(self, live: Any = None, token: str | None = None, **members: Any) -> Peer:
        """A client that has been welcomed."""
        peer = self.connects(token, live)
        peer.says(HELLO | members)
        peer.hears("welcome")
        return peer

    def page(self, *watch: str, browser: Browser | None = None, live: Any = None) -> Peer:
        """The socket of an administrator's page."""
        browser = browser or self.world.browser(self.world.admin)
        headers = {
            "cookie": "; ".join(f"{one.key}={one.value}" for one in browser.cookies.values()),
            "origin": "http://testserver",
            "host": "testserver",
        }
        peer = Peer(self.thread, live or self.live, "/ws/site/", headers)
        peer.says({"watch": [*watch]})
        return peer

    def get(self, path: str, token: str | None = None) -> Any:
        """What REST answers a client."""
        shown = {"Authorization": f"Token {token or self.world.token}"}
        return Browser().get(path, headers=shown).json()


class PrivateRedis:
    """A Redis of one's own, which tests may kill."""

    def __init__(self, test: TestCase | Any) -> None:
        program = shutil.which("redis-server")
        if program is None:
            raise SkipTest("did not run: no Redis is installed here")
        self._program, self._folder = program, tempfile.mkdtemp(prefix="tcc-redis-")
        test.addCleanup(shutil.rmtree, self._folder)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        self.start()
        test.addCleanup(self.kill)

    def start(self) -> None:
        """Return once it listens."""
        command = [self._program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._process = subprocess.Popen(
            [*command, "--dir", self._folder], stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + LONG
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.05)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()
