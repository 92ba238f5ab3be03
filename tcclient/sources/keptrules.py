"""
The rules that an app keeps at a source, as `tcc-rules` shows and deletes them.

Knows what is told of a rule, and to whom it may belong; asks nobody.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

OWN, ELSEWHERE, TCC, FOREIGN = "own", "elsewhere", "tcc", "foreign"
GROUPS = {
    OWN: "this client's",
    ELSEWHERE: "this installation's, for another capture server or client number",
    TCC: "another installation's of tcc",
    FOREIGN: "another program's",
}
"""Name of a group of rules -> whose rules they are."""


class KeptRule(Struct, frozen=True):
    """A rule of the app: its group, what it asks for, and the job that it is for, if it is own."""

    id: str
    tag: str | None
    value: str
    group: str
    job: int | None = None


def age_of(rule_id: str) -> tuple[int, str]:
    """Return a key that sorts ids from the oldest on: X's ids are numbers that grow."""
    return len(rule_id), rule_id


class KeptRules(Protocol):
    """The rules of one app."""

    async def rules(self) -> Sequence[KeptRule]:
        """Return them all.  Raises RefusalError, and OSError if nobody can tell whose they are."""

    async def delete(self, ids: Sequence[str]) -> None:
        """Ask for the deletion of rules; some may stay all the same.  Raises RefusalError."""
