"""
A relay of WebSockets between clients and a server, by `python -m tests.livefaults.relay PORT`; it
prints its own port, and reads from its input how it is to hand on frames:

    well | double | swap | delay SECONDS | age SECONDS | cut

Doubled, each frame comes twice; swapped, it comes after the next one, unless there is none for a
while; delayed, so much later; with an age, sockets end as by a proxy that knows no WebSockets;
`cut` ends those that there are at once.  Stopped by a signal, it is the road that both ends take
for open.
"""

import asyncio
import sys
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

SWAPPING = 0.5
"""Seconds in which a frame waits for another one to come before it."""


class Relay:
    """Hands on, as it was told last."""

    def __init__(self, port: int) -> None:
        self._target = f"ws://127.0.0.1:{port}"
        self.copies, self.delay, self.age, self.swaps = 1, 0.0, 3600.0, False
        self._open: set[tuple[Any, Any]] = set()

    async def handle(self, near: ServerConnection) -> None:
        """Hand on what both ends say until one of them is gone."""
        assert near.request is not None
        headers = {"Authorization": near.request.headers["Authorization"]}
        options: dict[str, Any] = {"additional_headers": headers, "ping_interval": None}
        async with connect(
            f"{self._target}{near.request.path}", subprotocols=["tcc.1"], **options
        ) as far:
            pair = near, far
            self._open.add(pair)
            pumps = [
                asyncio.ensure_future(one) for one in (self._pump(near, far), self._pump(far, near))
            ]
            try:
                await asyncio.wait(pumps, timeout=self.age, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._open.discard(pair)
                for pump in pumps:
                    pump.cancel()
                ended = await asyncio.gather(*pumps, return_exceptions=True)
                codes = [one for one in ended if isinstance(one, int)]
                if codes:
                    await near.close(codes[0])
                near.transport.abort()
                far.transport.abort()

    async def _pump(self, here: Any, there: Any) -> int:
        """Hand on in order; returns the code with which it was closed here."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Queue[tuple[float, Any]] = asyncio.Queue()

        async def send() -> None:
            is_first = True  # a greeting comes before all else
            while True:
                due, message = await waiting.get()
                await asyncio.sleep(due - loop.time())
                frames = [message]
                if self.swaps and not is_first:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(SWAPPING):
                            frames.insert(0, (await waiting.get())[1])
                is_first = False
                for frame in frames:
                    for _ in range(self.copies):
                        await there.send(frame)

        sending = asyncio.ensure_future(send())
        try:
            with suppress(ConnectionClosed):
                while True:
                    waiting.put_nowait((loop.time() + self.delay, await here.recv()))
            return int(here.close_code or 1006)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    def cut(self) -> None:
        """End all sockets there are."""
        for near, far in self._open:
            near.transport.abort()
            far.transport.abort()

    def obey(self, line: str) -> None:
        """Do what a line says."""
        word, *figures = line.split()
        if word == "cut":
            self.cut()
            return
        self.copies, self.delay, self.age, self.swaps = 1, 0.0, 3600.0, word == "swap"
        if word == "double":
            self.copies = 2
        elif word == "delay":
            self.delay = float(figures[0])
        elif word == "age":
            self.age = float(figures[0])
            self.cut()


async def run(port: int) -> None:
    """Relay until the input ends."""
    relay, loop = Relay(port), asyncio.get_running_loop()
    options: dict[str, Any] = {"subprotocols": ["tcc.1"], "ping_interval": None}
    async with serve(relay.handle, "127.0.0.1", 0, **options) as server:
        [listening] = server.sockets
        print(f"port {listening.getsockname()[1]}", flush=True)
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            relay.obey(line)


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1])))
