"""
Hints between the server's processes, by the channel layer: a group for each topic.

A layer may lose any message, and may be away: whoever hears hints looks by itself now and then.
Each process has one channel, and pages have one group, as what is told of captures each second
would be a call of the layer for each.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import Any, TypeAlias

from channels.layers import get_channel_layer

from tcserver.hints import group_of, is_awaited
from tcserver.live.metrics import HINTS

log = logging.getLogger(__name__)

HINT, BEAT = "hint", "beat"
GATHER = 0.02
"""Seconds in which what nobody waits for is gathered after something was sent."""
PAUSE = 1.0
"""Seconds after a layer has failed until it is asked again."""

Heard: TypeAlias = Callable[[str, str], None]


class HintLine:
    """
    Carries hints of topics, and beats, to all processes that have joined their groups.  `heard` is
    called with the kind and the topic; it must not wait.
    """

    def __init__(self, heard: Heard, gather: float = GATHER) -> None:
        self._heard, self._gather = heard, gather
        self._layer: Any = get_channel_layer()
        self._origin = secrets.token_hex(8)
        self._channel: str | None = None
        self._groups: set[str] = set()
        self._waiting: dict[tuple[str, str], set[str]] = {}
        self._wake, self._hurry = asyncio.Event(), asyncio.Event()
        self._is_away = False

    async def run(self) -> None:
        """Carry until this is cancelled."""
        await asyncio.gather(self._send(), self._receive())

    async def join(self, group: str) -> None:
        """Hear of a group; a layer forgets members in time, so this is done again at each beat."""
        self._groups.add(group)
        if self._channel is not None:
            await self._try(self._layer.group_add(group, self._channel))

    async def leave(self, group: str) -> None:
        """Hear of it no more."""
        self._groups.discard(group)
        if self._channel is not None:
            await self._try(self._layer.group_discard(group, self._channel))

    def hint(self, topics: Collection[str]) -> None:
        """Tell everybody, and this process at once; called on the event loop."""
        for topic in topics:
            self._heard(HINT, topic)
            self._put(HINT, topic)

    def beat(self, group: str) -> None:
        """Send a beat to a group, which comes back by the layer if that works, or else at once."""
        self._put(BEAT, group)

    def _put(self, kind: str, topic: str) -> None:
        self._waiting.setdefault((kind, group_of(topic)), set()).add(topic)
        self._wake.set()
        if kind == HINT and is_awaited(topic):
            self._hurry.set()

    async def _send(self) -> None:
        """Send what waits; what is said several times meanwhile is sent once."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._hurry.clear()
            waiting, self._waiting = self._waiting, {}
            works = True
            for (kind, group), topics in waiting.items():
                message = {"type": kind, "topics": [*topics], "origin": self._origin}
                # The first one after a restart of Redis can fail, and its message is lost.
                works = works and (
                    await self._say(group, message) or await self._say(group, message)
                )
                if not works and kind == BEAT:
                    self._heard(BEAT, group)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._gather):
                    await self._hurry.wait()

    async def _say(self, group: str, message: dict[str, Any]) -> bool:
        return await self._try(self._layer.group_send(group, message))

    async def _receive(self) -> None:
        while True:
            try:
                self._channel = self._channel or await self._layer.new_channel()
                for group in tuple(self._groups):
                    await self._layer.group_add(group, self._channel)
                while True:
                    self._take(await self._layer.receive(self._channel))
            except Exception as e:
                self._fails(e)
                await asyncio.sleep(PAUSE)

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == BEAT or message["origin"] != self._origin:
            for topic in message["topics"]:
                self._heard(message["type"], topic)

    async def _try(self, call: Awaitable[object]) -> bool:
        """Return whether the layer has done it."""
        try:
            async with asyncio.timeout(PAUSE):
                await call
        except Exception as e:
            self._fails(e)
            return False
        HINTS.labels("carried").inc()
        if self._is_away:
            self._is_away = False
            log.warning("Hints are carried between processes again.")
        return True

    def _fails(self, error: Exception) -> None:
        HINTS.labels("failed").inc()
        if not self._is_away:
            self._is_away = True
            log.warning(
                "Hints are not carried between processes (%s): each one looks by itself.",
                type(error).__name__,
            )
