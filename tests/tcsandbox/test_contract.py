"""The stand-in keeps the contract."""

from collections.abc import Mapping

from twisted.internet.task import Clock

from tcsandbox.server import rows
from tcsandbox.server.jobstore import JobStore
from tcsandbox.server.negotiation import ApiRequest
from tcsandbox.server.quirks import Quirks
from tcsandbox.server.restapi import answer
from tcsandbox.server.standin import server_time
from tests import contract
from tests.contract import Answered, Contract


class StandIn(Contract):
    """Asks the stand-in, in memory."""

    token, worker, demo, bare = rows.TOKEN, 1, 1, 2

    def setUp(self) -> None:
        clock = Clock()
        clock.advance(1_780_000_000.25)
        self.store = JobStore(server_time(clock))
        self.store.create("demo", "cats, dogs")
        self.store.create("bare", None)

    def request(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Answered:
        got = answer(ApiRequest(method, target, headers, body), self.store, Quirks())
        return Answered(got.status, got.content_type, got.headers, got.body)

    def make(self, name: str) -> int:
        return self.store.create(name).id

    def stop(self, number: int) -> None:
        self.store.stop(number)

    def archive(self, number: int) -> None:
        self.store.archive(number)

    def give_away(self, number: int) -> None:
        self.store.reassign(number, 7)


class AuthenticationTests(StandIn, contract.AuthenticationContract):
    """Who may ask."""


class AddressTests(StandIn, contract.AddressContract):
    """What is where."""


class NegotiationTests(StandIn, contract.NegotiationContract):
    """In which form things are asked and answered."""


class ReadingTests(StandIn, contract.ReadingContract):
    """What a client sees of its captures."""


class WritingTests(StandIn, contract.WritingContract):
    """What a client reports."""


class UpdateTests(StandIn, contract.UpdateContract):
    """The rows that a client adds."""
