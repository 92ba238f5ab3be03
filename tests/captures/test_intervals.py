"""What a client does at intervals is done once in each."""

import json
from pathlib import Path

from twisted.internet import reactor
from twisted.trial.unittest import SynchronousTestCase

from tcclient.config.settings import load
from tcclient.service import make_poller

SETTINGS = {
    "server": {"base_url": "http://127.0.0.1/", "client_id": 1, "auth_token": "x" * 40},
    "twitter_auth": {"bearer_token": "y" * 40},
}


class IntervalTests(SynchronousTestCase):
    """By the composition root."""

    def test_loops_go_by_the_reactor(self) -> None:
        """
        By a clock that is early, as that of what is done together, each would go round twice: once
        early, and once in time.
        """
        path = Path(self.mktemp())
        path.write_text(json.dumps(SETTINGS))
        poller = make_poller(load(path, {}), reactor)
        self.assertTrue(poller.jumps.loops)
        for loop in poller.jumps.loops:
            self.assertIs(loop.clock, reactor)
