"""
The sockets of browsers in this process: what their pages show, as it changes.

The first changes go at once, as those of a stop: asked, done.  What follows is gathered, and so are
numbers, which do not hold up the others.  A state is sent, and no event, so that whatever was lost
is in the next one.
"""

import asyncio
import math
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

import msgspec
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import Error as AnyDatabaseError
from django.http import HttpRequest
from django.http.request import validate_host

from tcclient.push.messages import REFUSED, TOO_MUCH, WRONG_PROTOCOL
from tcserver.hints import CAPTURES, is_awaited, number_in
from tcserver.live.allowance import Allowance
from tcserver.live.closing import Closing, HungUp
from tcserver.live.desk import Desk
from tcserver.live.line import HINT, HintLine
from tcserver.people.askers import NotFound, Person, person_of
from tcserver.people.models import User
from tcserver.website.states import CaptureState, capture_states, watched

GATHER, AT_ONCE = 0.25, 6
"""Seconds in which changes are gathered in the long run, and how many go at once before."""
LOOK = 3.0
"""Seconds after which all is looked at, whatever was heard: times make states too."""
MOST_TOLD = 100
"""Captures in one message."""
LONGEST = 4096
"""Bytes of what a browser says."""
MOST_WATCHED = 20
MOST_WRITTEN = 5000
"""States whose JSON is kept."""


class Watching(msgspec.Struct, frozen=True):
    """What a page watches: the list, "captures", or some captures, "capture:7"."""

    watch: list[str]


class BrowserSocket:
    """One page's socket: whose it is, what it watches, and what it has been sent."""

    def __init__(self, receive: Any, send: Any) -> None:
        self._receive, self._send = receive, send
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._has: dict[int, CaptureState] | None = None
        self.key, self.user, self.hash = "", 0, ""
        self.numbers: set[int] = set()
        self.lists = False

    async def listen(self) -> None:
        """Return once it says what it watches.  Raises Closing and HungUp."""
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            raise HungUp(message.get("code") or 1006)
        text = message.get("text")
        if not isinstance(text, str) or len(text) > LONGEST:
            raise Closing(TOO_MUCH, "")
        try:
            watching = msgspec.json.decode(text, type=Watching)
            found = [watched(one) for one in watching.watch[:MOST_WATCHED]]
        except (msgspec.MsgspecError, NotFound, RecursionError):
            raise Closing(WRONG_PROTOCOL, "") from None
        self.lists = None in found
        self.numbers = {one for one in found if one is not None}
        self._has = None

    async def serve(self) -> None:
        """Wait for its end: a page says once what it watches.  Raises Closing and HungUp."""
        ends = asyncio.ensure_future(self.listen())
        try:
            await asyncio.wait({ends, self._ended}, return_when=asyncio.FIRST_COMPLETED)
            for one in (self._ended, ends):
                if one.done():
                    one.result()
            raise Closing(WRONG_PROTOCOL, "")
        finally:
            ends.cancel()
            await asyncio.gather(ends, return_exceptions=True)

    def close(self, closing: Closing) -> None:
        """Have serve() raise this."""
        if not self._ended.done():
            self._ended.set_exception(closing)

    async def show(self, person: Person, shown: "ShownStates", numbers: Collection[int]) -> None:
        """Send what is different from what it has, of these captures."""
        is_first = self._has is None
        has = self._has = self._has or {}
        changed, before = [], {*has}
        for number in numbers:
            one = shown.of(number)
            if one is None or not person.sees(one.project) or not self._watches(one):
                has.pop(number, None)
            elif has.get(number) != one:
                has[number] = one
                changed.append(shown.written(one))
        members = [*has] if is_first or before != has.keys() else None
        if not changed and members is None:
            return
        for first in range(0, max(1, len(changed)), MOST_TOLD):
            is_last = first + MOST_TOLD >= len(changed)
            some = changed[first : first + MOST_TOLD]
            gone = {"numbers": members} if is_last and members is not None else {}
            message = {"captures": some, **gone}
            text = msgspec.json.encode(message).decode()
            await self._send({"type": "websocket.send", "text": text})

    def _watches(self, one: CaptureState) -> bool:
        return (self.lists and not one.archived) or one.number in self.numbers


class ShownStates:
    """The states that all pages of a process show, as they were read last."""

    def __init__(self) -> None:
        self._states: dict[int, CaptureState] = {}
        self._written: dict[CaptureState, msgspec.Raw] = {}

    def read(self, lists: bool, numbers: Collection[int]) -> set[int]:
        """Read all that is shown.  Return the numbers that are or were there."""
        were = self._states.keys()
        self._states = {
            one.number: one for one in capture_states(numbers, datetime.now(UTC), listed=lists)
        }
        return {*were, *self._states}

    def read_some(self, numbers: Collection[int]) -> None:
        """Read some captures anew."""
        found = {one.number: one for one in capture_states(numbers, datetime.now(UTC))}
        for number in numbers:
            self._states.pop(number, None)
        self._states |= found

    def of(self, number: int) -> CaptureState | None:
        """Return the state of a capture, None where it is gone."""
        return self._states.get(number)

    def written(self, one: CaptureState) -> msgspec.Raw:
        """Return the JSON of a state, which is made once for all pages."""
        if one not in self._written:
            if len(self._written) > MOST_WRITTEN:
                self._written.clear()
            self._written[one] = msgspec.Raw(msgspec.json.encode(one))
        return self._written[one]


class BrowserSockets:
    """The sockets of all pages, which are looked after by one loop."""

    def __init__(self, desk: Desk, line: HintLine) -> None:
        self._desk, self._line = desk, line
        self._sockets: dict[BrowserSocket, None] = {}
        self._hinted: set[str] = set()
        self._is_new = False
        self._people: dict[BrowserSocket, Person] = {}
        self._shown = ShownStates()
        self._pace = Allowance(AT_ONCE, 1 / GATHER)
        self._clock = asyncio.get_running_loop().time
        self._looked, self._due = -LOOK, math.inf
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        return len(self._sockets)

    async def enter(self, socket: BrowserSocket) -> None:
        """Look after a socket, which is sent all that it watches at once."""
        self._sockets[socket] = None
        await self._line.join(CAPTURES)
        self._is_new = True
        self._look_at(self._clock())

    async def leave(self, socket: BrowserSocket) -> None:
        """Look after it no more."""
        self._sockets.pop(socket, None)
        if not self._sockets:
            await self._line.leave(CAPTURES)

    def heard(self, kind: str, topic: str) -> None:
        """Look soon, if a page may show it."""
        is_ours = topic == CAPTURES or number_in(topic) is not None
        if kind == HINT and is_ours and self._sockets:
            self._hinted.add(topic)
            now = self._clock()
            awaited = is_awaited(topic)
            self._look_at(now + self._pace.wait(1, now) if awaited else self._looked + GATHER)

    def _look_at(self, moment: float) -> None:
        """Look then, unless that is done sooner."""
        if moment < self._due:
            self._due = moment
            self._wake.set()

    def close(self, closing: Closing) -> None:
        """Close all."""
        for socket in self._sockets:
            socket.close(closing)

    async def run(self) -> None:
        """Look after them until this is cancelled."""
        last = -LOOK
        while True:
            wait = min(self._due, last + LOOK) - self._clock()
            if wait > 0:
                self._wake.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._wake.wait()
                continue
            now, hinted = self._clock(), self._hinted
            self._looked, self._due, self._hinted = now, math.inf, set()
            if any(map(is_awaited, hinted)):
                self._pace.takes(1, now)
            whole = self._is_new or CAPTURES in hinted or now >= last + LOOK
            if whole:
                last, self._is_new = now, False
            if self._sockets:
                await self._look(None if whole else {number_in(topic) or 0 for topic in hinted})

    async def _look(self, numbers: set[int] | None) -> None:
        """Show what is different of these captures; of all, and who may see what, for None."""
        sockets = [*self._sockets]
        lists = any(one.lists for one in sockets)
        own_pages = {number for one in sockets for number in one.numbers}
        whole = numbers is None
        try:
            if numbers is None:
                await self._line.join(CAPTURES)
                self._people = await self._desk.do(_people, sockets)
                numbers = await self._desk.do(self._shown.read, lists, own_pages)
            else:
                numbers = numbers if lists else numbers & own_pages
                await self._desk.do(self._shown.read_some, numbers)
        except AnyDatabaseError:
            return  # the next look comes by itself
        for socket in sockets:
            person = self._people.get(socket)
            if person is not None:
                await socket.show(person, self._shown, numbers)
            elif whole:  # otherwise it has just come, and is looked at as a whole next
                socket.close(Closing(REFUSED, "", 0.0))


def log_in(cookies: str) -> tuple[str, int, str]:
    """Return a browser's session, its person and the hash of both.  Raises Closing."""
    try:
        found = SimpleCookie(cookies).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        found = None
    # PostgreSQL is not asked for NUL, which it does not take.
    if found is not None and found.value.isalnum():
        request = HttpRequest()
        request.session = SessionStore(found.value)
        user = get_user(request)
        if isinstance(user, User):
            return found.value, user.pk, user.get_session_auth_hash()
    raise Closing(REFUSED, "", 0.0)


def is_own_origin(headers: dict[bytes, bytes]) -> bool:
    """Return whether a page of this site asks, and of no other one."""
    origin, host = (headers.get(name, b"").decode("latin1") for name in (b"origin", b"host"))
    if settings.ENVIRONMENT.origin is not None:
        return origin.lower() == settings.ENVIRONMENT.origin.lower()
    try:
        parts = urlsplit(origin)
        name = host.rpartition(":")[0] if parts.port is not None else host
    except ValueError:
        return False
    return parts.netloc == host and validate_host(name, settings.ALLOWED_HOSTS)


def _people(sockets: list[BrowserSocket]) -> dict[BrowserSocket, Person]:
    """Return who may still look."""
    users = User.objects.filter(is_active=True).in_bulk({one.user for one in sockets})
    sessions = Session.objects.filter(expire_date__gt=datetime.now(UTC))
    open_ones = {*sessions.filter(pk__in={one.key for one in sockets}).values_list("pk", flat=True)}
    allowed = {pk: (person_of(user), user.get_session_auth_hash()) for pk, user in users.items()}
    return {
        one: allowed[one.user][0]
        for one in sockets
        if one.user in allowed and one.key in open_ones and one.hash == allowed[one.user][1]
    }
