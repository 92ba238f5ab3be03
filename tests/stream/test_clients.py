"""Which client a stream is read by."""

import json
from pathlib import Path
from typing import Any, cast

from twisted.internet import reactor
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import Agent

from tcclient.config.settings import load
from tcclient.runtime.wallclock import WallClock
from tcclient.service import make_surroundings
from tcclient.stream import clients
from tcclient.stream.fastpath import proof
from tcclient.stream.fastpath.shortcut import ShortcutAgent

SETTINGS = {
    "server": {"base_url": "http://127.0.0.1/", "client_id": 1, "auth_token": "x" * 40},
}
AUTH = {
    "2": {"bearer_token": "y" * 40},
    "1.1": {
        "api_key": "a" * 25,
        "api_secret": "b" * 50,
        "access_token": "c" * 50,
        "access_token_secret": "d" * 45,
    },
}


class ChoiceTests(SynchronousTestCase):
    """By the shortcut past Twisted's HTTP client, or by all of it; on either API."""

    def assert_chosen(self, expected: type, **twitter: object) -> None:
        """With these keys in the section `twitter`, the agent is an `expected`."""
        made: list[type] = []
        self.patch(clients, "HideCoding", lambda agent: made.append(type(agent)))
        for api, auth in AUTH.items():
            path = Path(self.mktemp())
            sections = {"twitter": {"api": api, **twitter}, "twitter_auth": auth}
            path.write_text(json.dumps({**SETTINGS, **sections}))
            settings = load(path, {})
            wall = WallClock(cast(Any, reactor))
            settings.source.make(make_surroundings(settings, reactor, wall))
        self.assertEqual(made, [expected] * len(AUTH))

    def test_by_default(self) -> None:
        """The fast one."""
        self.assert_chosen(ShortcutAgent)

    def test_by_the_settings(self) -> None:
        """Twisted's own."""
        self.assert_chosen(Agent, stock_http=True)

    def test_where_the_shortcut_does_not_hold(self) -> None:
        """Twisted's own, whatever the settings."""
        self.patch(proof, "holds", lambda: False)
        self.assert_chosen(Agent)
