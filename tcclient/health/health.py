"""
How a client is: ok, degraded or down, with the findings that say why, and in the line that
`tcc-health` prints and a supervisor is told.

Knows the form that log, website, metrics and commands share; finds nothing by itself.
"""

import enum
from collections.abc import Iterable

from msgspec import Struct

from tcclient.health.facts import ClientFacts
from tcclient.ledger.wording import number


class Level(enum.StrEnum):
    """
    How bad something is.  `down`: posts that are wanted do not come.  `degraded`: they come, and
    something is wrong or will be.
    """

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"

    @property
    def severity(self) -> int:
        """0 for ok, 1 for degraded, 2 for down: also the exit status of `tcc-health`."""
        return list(Level).index(self)


MOST_SAID = 5
"""So many findings are told in one line: a hundred captures without a stream have one reason."""

Code = tuple[str, int | None]
"""The code of a finding, and the job that it is about, if it is about one."""


class Finding(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    Something that is not as it should be: a `code` for programs, `what` it is and what to do
    (`cure`) in sentences for people, `since` when in epoch seconds, if that is known, and the `job`
    that it is about, if it is about one.
    """

    code: str
    level: Level
    what: str
    cure: str
    since: float | None = None
    job: int | None = None

    @property
    def key(self) -> Code:
        """What is found, without its words."""
        return self.code, self.job


class Health(Struct, frozen=True, kw_only=True):
    """How a client is: the worst level of its findings, which come with the worst first."""

    level: Level
    findings: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> "Health":
        """Return the health that these findings amount to."""
        worst_first = sorted(findings, key=lambda finding: -finding.level.severity)
        return cls(
            level=worst_first[0].level if worst_first else Level.OK, findings=tuple(worst_first)
        )

    @property
    def since(self) -> float | None:
        """Since when it is as bad as it is, in epoch seconds; None if that is not known."""
        known = [one.since for one in self.findings if one.level is self.level and one.since]
        return min(known, default=None)

    @property
    def words(self) -> str:
        """What is wrong and what to do, in sentences: of MOST_SAID findings, the worst first."""
        said = " ".join(f"{finding.what} {finding.cure}" for finding in self.findings[:MOST_SAID])
        more = len(self.findings) - MOST_SAID
        return said if more <= 0 else f"{said} And {more} more: see tcc-health --json."


_WORDS = {Level.OK: "OK", Level.DEGRADED: "WARNING", Level.DOWN: "CRITICAL"}
"""The words of monitoring plugins."""


def as_line(health: Health, facts: ClientFacts) -> str:
    """Return a line in the form of monitoring plugins: status, reasons with cures, and figures."""
    if health.findings:
        told = health.words
    elif facts.captures:
        told = f"Posts of {number(len(facts.captures), 'capture')} come and are stored."
    else:
        told = "Nothing is to be captured."
    covered = sum(1 for one in facts.captures if facts.runs and one.missing is None)
    free = "U" if facts.disk_free is None else f"{facts.disk_free}B"  # U: it is not known
    figures = f"captures={len(facts.captures)} streaming={covered} disk_free={free}"
    return f"TCC {_WORDS[health.level]} - {told.replace('|', '/')} | {figures}"
