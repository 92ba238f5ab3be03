"""Requests that are given up, at a client that connects."""

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import Factory
from twisted.trial.unittest import TestCase

from tcclient.http.clients import rest_client
from tcclient.runtime.secrets import Secret
from tcclient.sources.twitter_v2.bearer import Bearer
from tcclient.sources.twitter_v2.rules.api import RuleApi
from tcclient.sources.twitter_v2.slot.appapi import AppApi
from tests.peers import clock_at
from tests.sources.twitter_v2.xapi import AGENT


class GivenUpTests(TestCase):
    async def test_whatever_is_asked(self) -> None:
        """Whoever cancels hears of that, where Twisted's client says that a name has no address."""
        port = reactor.listenTCP(0, Factory(), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        client, url = rest_client(reactor, None), f"http://127.0.0.1:{port.getHost().port}/"
        clock = clock_at()
        wall = clock.seconds
        bearer = Bearer(client, url, None, None, Secret("AAA"), AGENT, clock, wall)
        app, rules = AppApi(bearer), RuleApi(bearer)
        for ask in (app.usage, app.connections, rules.rules):
            asked = Deferred.fromCoroutine(ask())
            asked.cancel()
            await self.assertFailure(asked, CancelledError)
            self.assertEqual(clock.getDelayedCalls(), [])
