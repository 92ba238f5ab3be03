"""
Whose a rule at X is, by its tag.  Pure.

Knows how tags are written, and by which earlier ones the same client is known; knows no rules.
"""

import enum
import re

from msgspec import Struct

from tcclient.storage.installation import Identity

_TAG = re.compile(r"tcc:(?:([0-9a-f]{12})\.)?([0-9a-f]{8}):(0|-?[1-9][0-9]{0,18})")
_OF_TCC = "tcc:"


class Whose(enum.Enum):
    """Who has made a rule, in words that follow its number in a list."""

    OURS = "of this client"
    ELSEWHERE = "of this installation for another server or client number"
    ANOTHER_TCC = "of another installation of tcc"
    FOREIGN = "of another program"


class Ownership(Struct):
    """
    Tells our rules from others.  `identity` is who we are, None until that is known: nothing is
    ours then.
    """

    identity: Identity | None = None

    def tag(self, job_id: int) -> str:
        """
        Return the tag of a new rule of a job, 45 characters at most:
        `tcc:0123456789ab.1a2b3c4d:17`.
        """
        if self.identity is None:
            raise ValueError("no rule can be made before it is known for whom")
        return f"{_OF_TCC}{self.identity.installation}.{self.identity.server}:{job_id}"

    def job_of(self, tag: str | None) -> int | None:
        """Return the job that a tag names; None for no tag and for one that is not ours."""
        found = _TAG.fullmatch(tag or "")
        return int(found[3]) if found and self._whose(found) is Whose.OURS else None

    def is_noted(self, tag: str | None, job_id: int) -> bool:
        """
        Return whether a rule that a ledger has for a job is ours.  Earlier releases noted no tag;
        what they left is ours unless the folder was copied from another machine.
        """
        if tag is None:
            return self.identity is not None and bool(self.identity.old)
        return self.job_of(tag) == job_id

    def whose(self, tag: str | None) -> Whose:
        """Return who has made the rule with this tag."""
        found = _TAG.fullmatch(tag or "")
        if found:
            return self._whose(found)
        is_of_tcc = (tag or "").strip().lower().startswith(_OF_TCC)
        return Whose.ANOTHER_TCC if is_of_tcc else Whose.FOREIGN

    def _whose(self, found: re.Match[str]) -> Whose:
        """Return who writes such tags: earlier releases named no installation."""
        installation, key, identity = found[1], found[2], self.identity
        if identity is None:
            return Whose.ANOTHER_TCC
        if installation not in (None, identity.installation, *identity.also):
            return Whose.ANOTHER_TCC
        if key in ({identity.server} if installation else identity.old):
            return Whose.OURS
        is_elsewhere = installation is not None or key in identity.elsewhere
        return Whose.ELSEWHERE if is_elsewhere else Whose.ANOTHER_TCC
