"""
Clients with the real end of the channel, and pages that read sockets as browsers do, of a whole
fleet in one process; and what became of each state.

Twisted runs on asyncio's event loop here.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from websockets.asyncio.client import connect

from benchmarks.fleetload import Member
from tcclient.control.realtime import ChannelUser, Introduction, NotCarried, OwnLedger
from tcclient.control.reports import Held, Host, State
from tcclient.push.channel import PushChannel
from tcclient.push.connecting import make_channel
from tcclient.runtime.secrets import Secret


class LiveMember(ChannelUser):
    """One client with one capture; `ups` has when its handshakes were answered."""

    def __init__(self, number: int, member: Member, port: int) -> None:
        from twisted.internet import reactor

        self.member, self._number = member, number
        self.channel = make_channel(
            reactor, f"ws://127.0.0.1:{port}/ws/client/", Secret(member.token), "tcc/fleet"
        )
        self.is_up = False
        self.ups: list[float] = []
        self.sent: dict[int, float] = {}
        self.total = self.length = self.held = self.not_carried = 0
        self.channel.begin(self)

    def begin(self) -> PushChannel:
        """Connect, and stay so; returns the channel, which somebody has to stop."""
        self.channel.startService()  # type: ignore[no-untyped-call]
        self.channel.polled()
        return self.channel

    def introduce(self) -> Introduction:
        self.ups.append(time.monotonic())
        machine = Host(installation=f"i{self._number}", instance="fleet", host="fleet")
        ledger = OwnLedger(f"live{self._number}", self.length, self.member.capture)
        return Introduction(machine, [(self.member.capture, 1)], [ledger], None)

    def up(self, every: float, held: Sequence[Held]) -> None:
        self.is_up = True

    def down(self) -> None:
        self.is_up = False

    def changed(self, job: int, revision: int) -> None:
        return

    def again(self) -> None:
        return

    def next_state(self) -> State:
        """Return a state with numbers that none had before."""
        self.total += 15
        now = datetime.now(UTC)
        capture = self.member.capture
        return State(
            job=capture, condition="ok", revision=1, since=now, total=self.total, rate=15.0, lag=0.1
        )

    def tell(self) -> bool:
        """Tell the next state; returns whether it went by the channel."""
        state = self.next_state()
        self.sent[self.total] = time.monotonic()
        try:
            self.channel.states([state])
        except NotCarried:
            self.not_carried += 1
            return False
        return True

    async def append(self) -> None:
        """Send a line of the ledger, and note how much is held then.  Raises NotCarried."""
        at = datetime.now(UTC).isoformat()
        line = {"at": at, "kind": "tally", "job": self.member.capture, "stored": self.total}
        data = json.dumps(line).encode() + b"\n"
        self.length = self.held + len(data)
        name = f"live{self._number}"
        sent = self.channel.append(name, self.member.capture, self.held, data)
        loop = asyncio.get_running_loop()
        self.held = await Deferred.fromCoroutine(sent).asFuture(loop)


@attrs.define(eq=False)
class LivePage:
    """A page on the list; `late` are the seconds from a state's sending until it was there."""

    port: int
    session: str
    members: dict[int, LiveMember]
    late: list[float] = attrs.Factory(list)
    messages: int = 0
    size: int = 0
    _seen: dict[int, int] = attrs.Factory(dict)

    async def run(self) -> None:
        """Watch until this is cancelled."""
        headers = {"Cookie": f"sessionid={self.session}"}
        where = f"127.0.0.1:{self.port}"
        options: dict[str, Any] = {"origin": f"http://{where}", "additional_headers": headers}
        async with connect(f"ws://{where}/ws/site/", max_size=None, **options) as socket:
            await socket.send('{"watch":["captures"]}')
            async for text in socket:
                self._take(json.loads(text), time.monotonic(), len(text))

    def _take(self, message: dict[str, Any], now: float, size: int) -> None:
        self.messages += 1
        self.size += size
        for one in message["captures"]:
            member, posts = self.members.get(one["number"]), one["posts"]
            if member is None or posts is None:
                continue
            last = self._seen.get(one["number"])
            self._seen[one["number"]] = posts
            if last is None:  # what was there before the page was
                continue
            for total in range(last + 15, posts + 1, 15):
                if total in member.sent:
                    self.late.append(now - member.sent[total])


async def each_second(members: Sequence[LiveMember], until: float) -> int:
    """Have each member tell a state every second, evenly spread; return how many went."""
    begin, gone = time.monotonic(), 0
    for turn in count():
        due = begin + turn / len(members)
        if due >= until:
            break
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        gone += members[turn % len(members)].tell()
    return gone


async def all_up(members: Sequence[LiveMember], within: float) -> None:
    """Return once all are up.  Raises TimeoutError."""
    deadline = time.monotonic() + within
    while not all(one.is_up for one in members):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{sum(not one.is_up for one in members)} clients are not up")
        await asyncio.sleep(0.02)
