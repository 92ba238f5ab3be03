"""
What each job wants of X, without what X has refused, and what has to be changed for it.  Pure.

Knows how a refused rule leads to the clauses that it is refused for; of the rules that X has only
what it is given.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from tcclient.ledger.entries import RefusedTerm
from tcclient.sources.twitter_v2.rules.answers import limits_in
from tcclient.sources.twitter_v2.rules.clauses import Clause, fill, length, pack
from tcclient.sources.twitter_v2.rules.ownership import Ownership
from tcclient.sources.twitter_v2.rules.ruleset import Changes, PresentRule, plan

_OR = " OR "
SHORTEST = 128
"""Characters below which rules are not made shorter: the least that twitter.rule_length may be."""


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
    _values: dict[tuple[int, bool], tuple[str, ...]] = field(default_factory=dict)
    _having: dict[str, list[int]] = field(default_factory=dict)  # clauses by their pieces

    @property
    def asks(self) -> bool:
        """Whether there is a clause that X may take."""
        return any(clause.text not in self._bad for clause in self.clauses)

    def values(self, rule_length: int, *, filled: bool = False) -> tuple[str, ...]:
        """
        Return the values of the rules that are wanted, `filled` to their ends or not; none where X
        takes no clause.  A clause that is longer than rules may be is one by itself: X judges it.
        """
        key = rule_length, filled
        if key not in self._values:
            self._values[key] = self._packed(rule_length, filled=filled)
        return self._values[key]

    def _packed(self, rule_length: int, *, filled: bool) -> tuple[str, ...]:
        texts = {clause.text for clause in self._good()}
        alone = {text for text in texts if text in self._apart or length(text) > rule_length}
        packed = [clause for clause in self._good() if clause.text not in alone]
        return (*(fill if filled else pack)(packed, rule_length), *sorted(alone))

    def is_bad(self, value: str, reason: str) -> list[RefusedTerm]:
        """
        Take note that X refuses a rule because of `reason`.  Return the terms that are left out for
        it: those of a rule that is one clause, none for a packed rule.
        """
        bad = [clause for clause in self._near(value) if _bare(clause.text) == _bare(value)]
        return self._leave_out({clause.text: reason for clause in bad})

    def suspects(self, value: str) -> list[Clause]:
        """Return the clauses in a packed rule that X refuses, which are to be tried one by one."""
        inside = pieces(value)
        return [clause for clause in self._near(value) if pieces(clause.text) <= inside]

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
            self._values.clear()
        return bad

    def lacking(self, values: Iterable[str]) -> int:
        """Return how many clauses that X may take are in none of the rules of these values."""
        there = frozenset[str]().union(*map(pieces, values))
        return sum(not pieces(clause.text) <= there for clause in self._good())

    def _leave_out(self, reasons: Mapping[str, str]) -> list[RefusedTerm]:
        """Leave out the clauses that have a reason.  Return their terms."""
        self._bad.update(reasons)
        self._values.clear()
        return [
            RefusedTerm(clause.term, f"X refuses it: {reasons[clause.text]}")
            for clause in self.clauses
            if clause.text in reasons
        ]

    def _near(self, value: str) -> list[Clause]:
        """
        Return the clauses that X has not refused and that have a piece in common with a value: of
        10,000 clauses in hundreds of rules all that can be in one of them.
        """
        if not self._having:
            for number, clause in enumerate(self.clauses):
                for piece in pieces(clause.text):
                    self._having.setdefault(piece, []).append(number)
        near = {number for piece in pieces(value) for number in self._having.get(piece, ())}
        found = (self.clauses[number] for number in sorted(near))
        return [clause for clause in found if clause.text not in self._bad]

    def _good(self) -> list[Clause]:
        return [clause for clause in self.clauses if clause.text not in self._bad]


class Demand(Struct):
    """
    What each job that wants something wants, by the id of the job, in rules as X takes them: of at
    most `rule_length` characters, and filled to their ends where it takes no more of them.  Rules
    of `spared` jobs stay as they are: another process keeps them.
    """

    _policy: RulePolicy
    by_job: dict[int, WantedRules] = field(default_factory=dict)
    spared: set[int] = field(default_factory=set)
    _shorter: int | None = None
    _is_filled: bool = False

    @property
    def rule_length(self) -> int:
        """How many characters a rule has at most, as far as X has let us know."""
        return self._policy.rule_length if self._shorter is None else self._shorter

    def shorten(self, refused: Mapping[str, str]) -> bool:
        """
        Take note that X finds rules of these values too long, for these reasons: have them as long
        as X says, or half as long.  Return whether that could be done.
        """
        least, half = min(map(length, refused)), self.rule_length // 2
        while half >= least:
            half //= 2
        named = (number for reason in refused.values() for number in limits_in(reason))
        # Where none of these is the limit, X refuses again: none is tried twice.
        most = min((number for number in named if SHORTEST <= number < least), default=half)
        if most < SHORTEST:
            return False
        self._shorter = most
        return True

    def condense(self) -> bool:
        """Take note that X takes no more rules.  Return whether it makes fewer to fill them."""
        if self._is_filled:
            return False
        loose = sum(map(len, self.values().values()))
        self._is_filled = True
        self._is_filled = sum(map(len, self.values().values())) < loose
        return self._is_filled

    def want(self, job_id: int, clauses: Sequence[Clause]) -> None:
        """Take these clauses for what the job wants from now on."""
        self.by_job[job_id] = WantedRules(tuple(clauses))
        self.spared.discard(job_id)

    def asks(self, job_id: int) -> bool:
        """Return whether the job wants anything that X may take."""
        wanted = self.by_job.get(job_id)
        return wanted is not None and wanted.asks

    def values(self) -> Wanted:
        """Return the values of the rules that each job wants."""
        most, filled = self.rule_length, self._is_filled
        return {job: one.values(most, filled=filled) for job, one in self.by_job.items()}

    def changes(self, present: Iterable[PresentRule], wanted: Wanted | None = None) -> Changes:
        """
        Return what to change so that the `present` rules serve what is wanted; `wanted` is what
        values() returned earlier, if that counts.
        """
        wanted = self.values() if wanted is None else wanted
        return plan(wanted, present, self._policy.ownership, self.spared)


def pieces(value: str) -> frozenset[str]:
    """Return what a rule joins with OR, without parentheses around it."""
    return frozenset(_bare(piece) for piece in value.split(_OR))


def _bare(text: str) -> str:
    return text.strip("()")
