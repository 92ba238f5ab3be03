"""The channel over real sockets, to a server by another library."""

import logging
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from tcclient.control.reports import Host, State
from tcclient.push.messages import (
    PIECE,
    Beat,
    ChangedMessage,
    Hello,
    HostMessage,
    LedgerMessage,
    StateMessage,
)
from tests.certificates import BAD, CA, GOOD, Certified, certify
from tests.http.test_tls import NOT_TRUSTED, WRONG_NAME, NetworkTestCase
from tests.push.liveserver import LiveServer, client_of
from tests.scene import until


class SocketTests(NetworkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.live = LiveServer()

    def url(self, shows: Certified | None = None, host: str = "127.0.0.1") -> str:
        """Where the server listens from now on."""
        scheme = "ws" if shows is None else "wss"
        return f"{scheme}://{host}:{self.listen(cast(Any, self.live), shows)}/ws/client/"

    async def test_both_directions(self) -> None:
        """Over TCP and over TLS; the server hears of the end."""
        for shows in (None, GOOD):
            channel, user = client_of(self, self.url(shows, "localhost"))
            await until(lambda user=user: user.told)
            channel.states([State(job=7, condition="ok")])
            channel.host(Host(disk_free=5))
            data = bytes(range(256)) * 200
            append = Deferred.fromCoroutine(channel.append("abc", 7, 0, data))
            self.assertEqual(await append, PIECE)
            kinds = [Hello, StateMessage, HostMessage, LedgerMessage]
            self.assertEqual([type(one) for one in self.live.heard], kinds)
            self.assertEqual(self.live.heard[-1].data, data[:PIECE])  # type: ignore[union-attr]
            self.live.lines[-1].say(Beat())
            self.live.lines[-1].say(ChangedMessage(7, 4))
            await until(lambda user=user: (7, 4) in user.told)
            await channel.stopService()
            await until(lambda: self.live.codes)
            self.assertEqual(self.live.codes, [1000])
            self.live = LiveServer()

    async def test_a_certificate(self) -> None:
        """It is verified as for REST, and nobody else sees the token."""
        bad = {**BAD, "a name's": certify("localhost", by=CA)}
        for what, shows in bad.items():
            host = "127.0.0.1" if what == "a name's" else "localhost"
            clause = WRONG_NAME if "name" in what else NOT_TRUSTED
            with capturedLogs() as events:
                channel, _ = client_of(self, self.url(shows, host))
                await until(lambda events=events: any("reason" in one for one in events))
                await channel.stopService()
            self.assertEqual({one["reason"] for one in events if "reason" in one}, {clause}, what)
        self.assertEqual(self.live.requests, [])

    async def test_the_library_logs_nothing(self) -> None:
        """Its lines at the level debug would have the head, and with it the token."""
        with self.assertNoLogs(level="DEBUG"):
            logging.getLogger("websockets").setLevel(logging.DEBUG)
            self.addCleanup(logging.getLogger("websockets").setLevel, logging.NOTSET)
            channel, user = client_of(self, self.url())
            await until(lambda: user.told)
            await channel.stopService()

    async def test_a_server_that_goes(self) -> None:
        """It is asked again, and found when it is there."""
        channel, user = client_of(self, self.url())
        await until(lambda: user.told)
        self.live.lines[-1].sendClose(1000)
        await until(lambda: len(self.live.lines) == 2)
        await until(lambda: len(user.told) == 3)
        self.assertEqual(
            [one if one == "down" else one[0] for one in user.told], ["up", "down", "up"]
        )
        await channel.stopService()
