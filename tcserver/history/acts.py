"""
Who acts, when and in which request, as each service is told.  Pure.

Knows people and clients by number and name alone.
"""

from datetime import datetime
from enum import StrEnum

import attrs


class Party(StrEnum):
    """Who can act."""

    PERSON = "person"
    CLIENT = "client"
    SERVER = "server"


@attrs.frozen
class Act:
    """
    One deed of a person, a client or the server itself, at a moment.

    `number` is the person's or client's; `request` is the id of the request that it came by.
    """

    party: Party
    number: int | None
    name: str
    at: datetime
    request: str = ""
    note: str = ""


def by_server(at: datetime, note: str = "") -> Act:
    """Return a deed of the server's own, as for an alarm clock or a command on its machine."""
    return Act(Party.SERVER, None, "server", at, note=note)
