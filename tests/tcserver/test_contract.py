"""The capture server keeps the contract that existing clients know."""

from collections.abc import Mapping

from django.test import Client as Browser

from tcserver.captures.services.archive import archive
from tcserver.captures.services.assign import assign
from tcserver.captures.services.stop import stop
from tcserver.fleet.services.clients import create_client
from tests import contract
from tests.contract import Answered, Contract
from tests.tcserver.case import DatabaseCase


class OurServer(Contract, DatabaseCase):
    """Asks our server, by Django's handler."""

    def setUp(self) -> None:
        super().setUp()
        world = self.world
        self.token, self.worker = world.token, world.client.pk
        self.demo, self.bare = world.demo.pk, world.bare.pk

    def request(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Answered:
        meta = {f"HTTP_{name.upper().replace('-', '_')}": v for name, v in headers.items()}
        kind = meta.pop("HTTP_CONTENT_TYPE", "")
        meta.pop("HTTP_CONTENT_LENGTH", None)
        got = Browser().generic(method, target, body, content_type=kind, **meta)
        return Answered(got.status_code, got["Content-Type"], got.headers, got.content)

    def make(self, name: str) -> int:
        return self.world.capture(name).pk

    def stop(self, number: int) -> None:
        stop(number, self.world.act(self.world.rita))

    def archive(self, number: int) -> None:
        archive(number, self.world.act(self.world.rita))

    def give_away(self, number: int) -> None:
        act = self.world.act(self.world.admin)
        other = create_client("another", [self.world.project.pk], act)
        assign(number, other.pk, act)


class AuthenticationTests(OurServer, contract.AuthenticationContract):
    """Who may ask."""


class AddressTests(OurServer, contract.AddressContract):
    """What is where."""


class NegotiationTests(OurServer, contract.NegotiationContract):
    """In which form things are asked and answered."""


class ReadingTests(OurServer, contract.ReadingContract):
    """What a client sees of its captures."""


class WritingTests(OurServer, contract.WritingContract):
    """What a client reports."""


class UpdateTests(OurServer, contract.UpdateContract):
    """The rows that a client adds."""
