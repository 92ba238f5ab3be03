"""The stand-in keeps the contract."""

from tests import contract
from tests.tcsandbox.standin import StandIn


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
