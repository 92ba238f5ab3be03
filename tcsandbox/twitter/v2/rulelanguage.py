"""
The rule language of X API v2, read into clauses: AND by a space before OR, groups, negation.

Pure.  Operators are those of "Operators" at docs.x.com that a simulated post can match; the others
are accepted and match nothing.  The sentences about faults are, as far as known, X's own.
"""

from tcsandbox.twitter.v2 import clauses, operators
from tcsandbox.twitter.v2.clauses import RuleClause
from tcsandbox.twitter.v2.facts import spaced, tokens
from tcsandbox.twitter.v2.lexing import InvalidRule, RuleToken, no_viable, tokenize

_STOPWORDS = (
    "a an and at but by com from http https if in is it its me my or rt the this to too "
    "via we www you"
)
STOPWORDS = frozenset(_STOPWORDS.split())
"""Words that PowerTrack, the older rule language, does not accept as a rule by themselves."""

DEPENDENT = frozenset({"is", "has", "lang", "embedding_threshold"})
"""Operators that need another clause beside them, as sample: does."""

_JOINERS = {
    "and": "Use a space to logically join two clauses, or",
    "or": "Use OR to logically join two clauses, or",
    "not": "Use - to negate a clause, or",
}


def parse(rule: str, length: int = 1024, box_miles: float | None = None) -> RuleClause:
    """
    Return the clause that `rule` says; raise InvalidRule.

    A rule has at most `length` characters; `box_miles` is the longest side of a box, None for any.
    """
    if not rule.strip():
        raise InvalidRule("Rules must not be empty (at position 1)")
    if len(rule) > length:
        raise InvalidRule(
            f"Rules must be at most {length} characters long, this one has {len(rule)}"
        )
    parser = _RuleParser(list(tokenize(rule)), box_miles)
    clause = parser.alternatives()
    parser.expect_end()
    _check_positive(clause, 1)
    return clause


class _RuleParser:
    """A recursive-descent parser: alternatives, each a row of terms, each perhaps negated."""

    def __init__(self, tokens: list[RuleToken], box_miles: float | None) -> None:
        self._tokens = tokens
        self._box_miles = box_miles
        self._at = 0

    def alternatives(self) -> RuleClause:
        """Read rows of terms joined by OR, and return their clause; raise InvalidRule."""
        rows = [self._row()]
        while self._next.kind == "or":
            self._take()
            rows.append(self._row())
        return rows[0] if len(rows) == 1 else clauses.OrClause(tuple(rows))

    def expect_end(self) -> None:
        """Raise InvalidRule unless everything has been read."""
        token = self._next
        if token.kind != "end":
            raise InvalidRule(f"missing EOF at '{token.text}' (at position {token.at})")

    @property
    def _next(self) -> RuleToken:
        return self._tokens[self._at]

    def _take(self) -> RuleToken:
        self._at += 1
        return self._tokens[self._at - 1]

    def _row(self) -> RuleClause:
        """Read terms up to an OR, a parenthesis or the end, and return their clause."""
        terms = []
        while self._next.kind not in ("or", "close", "end"):
            terms.append(self._term())
        if not terms:
            raise no_viable(self._next.text, self._next.at)
        return terms[0] if len(terms) == 1 else clauses.AndClause(tuple(terms))

    def _term(self) -> RuleClause:
        """Read a negation, a group, an operator or a word, and return its clause."""
        token = self._take()
        if token.kind == "minus":
            if self._next.kind == "minus":
                raise InvalidRule(*_no_positive(token.at))
            if self._next.kind in ("or", "close", "end") or self._next.at != token.at + 1:
                raise no_viable("-", token.at)
            return clauses.NotClause(self._term())
        if token.kind == "open":
            inner = self.alternatives()
            if self._next.kind != "close":
                raise InvalidRule(f"missing ')' at '<EOF>' (at position {self._next.at})")
            self._take()
            return inner
        if token.kind == "operator":
            return operators.read(token.text, token.value, token.at, self._box_miles)
        return _atom(token)


def _atom(token: RuleToken) -> RuleClause:
    """Return the clause of a word or a phrase; raise InvalidRule."""
    text = token.text.strip('"')
    if token.kind == "word":
        if text.lower() in _JOINERS:
            raise InvalidRule(
                f"Ambiguous use of {text} as a keyword. {_JOINERS[text.lower()]} "
                f'"{text}" to find occurrences of {text} in text (at position {token.at})'
            )
        if text.startswith(("#", "@", "$")) and len(text) > 1:
            return clauses.EntityClause(text)
    words = tokens(text)
    if not words:
        raise no_viable(token.text, token.at)
    if token.kind == "near":
        return clauses.NearClause(text, tuple(words), int(token.value))
    return clauses.WordsClause(text, spaced(words))


def _no_positive(at: int) -> tuple[str, str]:
    """Return X's sentences about a rule, or a part of one, that has only negations."""
    return (
        f"Rules must contain a non-negation term (at position {at})",
        f"Rules must contain at least one positive, non-stopword clause (at position {at})",
    )


def _check_positive(clause: RuleClause, at: int) -> None:
    """
    Raise InvalidRule for an alternative without anything that may stand alone.

    A negation, is:, has:, lang:, sample: or a stopword may not.
    """
    faults = _standing(clause)
    if faults == {"negation"}:
        raise InvalidRule(*_no_positive(at))
    if "operator" in faults:
        raise InvalidRule(f"is/has/lang cannot be used as a standalone operator (at position {at})")
    if faults:
        raise InvalidRule(_no_positive(at)[1])


def _standing(clause: RuleClause) -> set[str]:
    """Return the reasons why `clause` may not stand alone; an empty set when it may."""
    if isinstance(clause, clauses.AndClause):
        each = [_standing(part) for part in clause.clauses]
        return set() if not all(each) else set().union(*each)
    if isinstance(clause, clauses.OrClause):
        each = [_standing(part) for part in clause.clauses]
        return set().union(*each)
    if isinstance(clause, clauses.NotClause):
        return {"negation"}
    if isinstance(clause, clauses.WordsClause):
        return {"stopword"} if clause.line.strip() in STOPWORDS else set()
    if isinstance(clause, clauses.LabelClause):
        return {"operator"} if clause.operator in DEPENDENT else set()
    return {"operator"} if isinstance(clause, clauses.SampleClause) else set()
