"""
What each job wants of X, without what X has refused, and what has to be changed for it.  Pure.

Knows how a refused rule leads to the clauses that it is refused for; of the rules that X has only
what it is given.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from tcclient.ledger.entries import RefusedTerm
from tcclient.sources.twitter_v2.rules.clauses import Clause, pack
from tcclient.sources.twitter_v2.rules.ownership import Ownership
from tcclient.sources.twitter_v2.rules.ruleset import Changes, PresentRule, plan

_OR = " OR "


class RulePolicy(Struct, frozen=True):
    """
    How rules are kept: `ownership` knows which are ours, `rule_length` is how many characters one
    has at most, and `rule_delay` the seconds until a new rule works.
    """

    ownership: Ownership
    rule_length: int
    rule_delay: float


Wanted = Mapping[int, Sequence[str]]
"""The values of the rules that each job wants."""


class WantedRules(Struct):
    """
    The clauses of a job.  X refuses those in `_bad`; it takes those in `_apart`, but refused the
    packed rule in which they stood: each of them gets a rule by itself.
    """

    clauses: tuple[Clause, ...]
    _bad: set[str] = field(default_factory=set)
    _apart: set[str] = field(default_factory=set)

    @property
    def asks(self) -> bool:
        """Whether there is a clause that X may take."""
        return any(clause.text not in self._bad for clause in self.clauses)

    def values(self, rule_length: int) -> tuple[str, ...]:
        """Return the values of the rules that are wanted; none where X takes no clause."""
        packed = [clause for clause in self._good() if clause.text not in self._apart]
        alone = (clause.text for clause in self._good() if clause.text in self._apart)
        return (*pack(packed, rule_length), *alone)

    def is_bad(self, value: str, reason: str) -> list[RefusedTerm]:
        """
        Take note that X refuses a rule because of `reason`.  Return the terms that are left out for
        it: those of a rule that is one clause, none for a packed rule.
        """
        bad = [clause for clause in self._good() if _bare(clause.text) == _bare(value)]
        return self._leave_out({clause.text: reason for clause in bad})

    def suspects(self, value: str) -> list[Clause]:
        """Return the clauses in a packed rule that X refuses, which are to be tried one by one."""
        inside = pieces(value)
        return [clause for clause in self._good() if pieces(clause.text) <= inside]

    def tried(self, value: str, reasons: Mapping[str, str]) -> list[RefusedTerm]:
        """
        Take note that the suspects of a rule were tried: X refuses those that have a reason.
        Return the terms that are left out for that.  Where there are none, each suspect becomes a
        rule by itself.
        """
        suspects = {clause.text for clause in self.suspects(value)}
        bad = self._leave_out({text: why for text, why in reasons.items() if text in suspects})
        if not bad:
            self._apart |= suspects
        return bad

    def _leave_out(self, reasons: Mapping[str, str]) -> list[RefusedTerm]:
        """Leave out the clauses that have a reason.  Return their terms."""
        self._bad.update(reasons)
        return [
            RefusedTerm(clause.term, f"X refuses it: {reasons[clause.text]}")
            for clause in self.clauses
            if clause.text in reasons
        ]

    def _good(self) -> list[Clause]:
        """Return the clauses that X has not refused."""
        return [clause for clause in self.clauses if clause.text not in self._bad]


class Demand(Struct, frozen=True):
    """What each job that wants something wants, by the id of the job."""

    _policy: RulePolicy
    by_job: dict[int, WantedRules] = field(default_factory=dict)

    def want(self, job_id: int, clauses: Sequence[Clause]) -> None:
        """Take these clauses for what the job wants from now on."""
        self.by_job[job_id] = WantedRules(tuple(clauses))

    def asks(self, job_id: int) -> bool:
        """Return whether the job wants anything that X may take."""
        wanted = self.by_job.get(job_id)
        return wanted is not None and wanted.asks

    def values(self) -> Wanted:
        """Return the values of the rules that each job wants."""
        length = self._policy.rule_length
        return {job: wanted.values(length) for job, wanted in self.by_job.items()}

    def changes(self, present: Iterable[PresentRule], wanted: Wanted | None = None) -> Changes:
        """
        Return what to change so that the `present` rules serve what is wanted; `wanted` is what
        values() returned earlier, if that counts.
        """
        return plan(self.values() if wanted is None else wanted, present, self._policy.ownership)


def pieces(value: str) -> frozenset[str]:
    """Return what a rule joins with OR, without parentheses around it."""
    return frozenset(_bare(piece) for piece in value.split(_OR))


def _bare(text: str) -> str:
    return text.strip("()")
