"""The stand-in, asked in memory."""

from collections.abc import Mapping
from datetime import UTC, datetime

from twisted.internet.task import Clock

from tcsandbox.server import rows
from tcsandbox.server.jobstore import JobStore
from tcsandbox.server.negotiation import ApiRequest
from tcsandbox.server.quirks import Quirks
from tcsandbox.server.restapi import answer
from tcsandbox.server.standin import server_time
from tests.contract import Answered, Contract

START = datetime(2026, 6, 1, 10, 0, 0, 250000, tzinfo=UTC)


class StandIn(Contract):
    """A stand-in since START; `quirks` may be changed."""

    token, worker, demo, bare = rows.TOKEN, 1, 1, 2

    def setUp(self) -> None:
        clock = Clock()
        clock.advance(START.timestamp())
        self.store = JobStore(server_time(clock))
        self.quirks = Quirks()
        self.store.create("demo", "cats, dogs")
        self.store.create("bare", None)

    def request(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Answered:
        got = answer(ApiRequest(method, target, headers, body), self.store, self.quirks)
        return Answered(got.status, got.content_type, got.headers, got.body)

    def make(self, name: str) -> int:
        return self.store.create(name).id

    def stop(self, number: int) -> None:
        self.store.stop(number)

    def archive(self, number: int) -> None:
        self.store.archive(number)

    def give_away(self, number: int) -> None:
        self.store.reassign(number, 7)
