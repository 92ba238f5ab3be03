"""Which channel a client has, by its settings and by what is installed."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import cast

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tcclient.config.settings import SettingsError
from tcclient.control.realtime import (
    NO_CHANNEL,
    ChannelUser,
    LateChannel,
    NoChannel,
    NotCarried,
    RealtimeChannel,
)
from tcclient.control.reports import State
from tcclient.runtime.addresses import beside
from tcclient.service import make_channel
from tests.config.test_settings import MINIMAL, SettingsTestCase, with_value

ADDRESS = "wss://captures.example.org/live/"


class AddressTests(SynchronousTestCase):
    def test_beside_rest(self) -> None:
        """With the same host and TLS, where `tcserver` has both."""
        for base, channel in (
            ("https://c.example.org/api/", "wss://c.example.org/ws/client/"),
            ("http://127.0.0.1:8000/api/", "ws://127.0.0.1:8000/ws/client/"),
            ("https://[::1]:8443/tcc/api/", "wss://[::1]:8443/tcc/ws/client/"),
            ("http://http.example.org/", "ws://http.example.org/ws/client/"),
        ):
            self.assertEqual(beside(base), channel)


class ChoiceTests(SettingsTestCase):
    def channel(self, url: object) -> RealtimeChannel:
        """The channel of a client with this push_url, None for no such key."""
        document = MINIMAL if url is None else with_value("server.push_url", url)
        return make_channel(self.load(document), Clock())

    @contextmanager
    def without_the_extra(self) -> Iterator[None]:
        """In a program that was installed without `[push]`."""
        ours = {name for name in sys.modules if name.startswith(("websockets", "tcclient.push."))}
        kept = {name: sys.modules.pop(name) for name in ours}
        sys.modules["websockets"] = None  # type: ignore[assignment]  # as Python has what is not there
        try:
            yield
        finally:
            del sys.modules["websockets"]
            sys.modules.update(kept)

    def test_by_default(self) -> None:
        self.assertIsInstance(self.channel(None), LateChannel)
        self.assertIsInstance(self.channel(ADDRESS), LateChannel)

    def test_switched_off(self) -> None:
        settings = self.load(with_value("server.push_url", None))
        self.assertIs(make_channel(settings, Clock()), NO_CHANNEL)

    def test_not_installed(self) -> None:
        """Who has not asked for it goes on by polling; who has is told what to install."""
        with self.without_the_extra():
            self.assertIs(self.channel(None), NO_CHANNEL)
            self.assertNotIn("tcclient.push.channel", sys.modules)
            error = self.assertRaises(SettingsError, self.channel, ADDRESS)
        self.assertIn("$.server.push_url needs what is not installed", str(error))
        self.assertIn("'.[push]' in the clone", str(error))


class LateChannelTests(SynchronousTestCase):
    """A channel of which nothing is made before a server has shown that it may have one."""

    def setUp(self) -> None:
        self.made: list[ChannelDouble] = []
        self.user = cast(ChannelUser, object())
        self.channel = LateChannel(self.make)
        self.channel.begin(self.user)

    def make(self) -> RealtimeChannel:
        self.made.append(ChannelDouble())
        return self.made[-1]

    def test_before_the_server_has_answered(self) -> None:
        """Nothing is carried, and nothing is made."""
        self.channel.startService()
        self.assertRaises(NotCarried, self.channel.states, [])
        self.failureResultOf(
            Deferred.fromCoroutine(self.channel.append("a", None, 0, b"x")), NotCarried
        )
        self.assertEqual(self.made, [])

    def test_the_server_answers(self) -> None:
        """It is made once, is told of each poll, carries all, and stops with the other."""
        self.channel.startService()
        self.channel.polled()
        self.channel.polled()
        self.channel.states([])
        [made] = self.made
        self.assertEqual(made.heard, ["begin", "start", "polled", "polled", "states"])
        self.assertIs(made.user, self.user)
        stopped = self.channel.stopService()
        self.assertNoResult(stopped)
        made.has_left.callback(None)
        self.successResultOf(stopped)

    def test_the_last_answer(self) -> None:
        """One that comes when the client is about to end makes none."""
        self.channel.startService()
        self.successResultOf(self.channel.stopService())
        self.channel.polled()
        self.assertEqual(self.made, [])


class ChannelDouble(Service, NoChannel):
    """Hears what is asked of a channel."""

    setServiceParent = Service.setServiceParent

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.has_left: Deferred[None] = Deferred()

    def begin(self, user: ChannelUser) -> None:
        self.user = user
        self.heard.append("begin")

    def startService(self) -> None:
        self.heard.append("start")

    def polled(self) -> None:
        self.heard.append("polled")

    def states(self, states: Sequence[State]) -> None:
        self.heard.append("states")

    def stopService(self) -> Deferred[None]:
        return self.has_left
