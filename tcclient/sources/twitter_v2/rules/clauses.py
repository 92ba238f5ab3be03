"""
Turns the researcher's keyword text into the texts of X API v2 rules.

Knows how terms become clauses, and how clauses are packed into rules; does not know whose a rule is
(`ruleset`), nor what X thinks of it: X judges by `dry_run`.
"""

import hashlib
from collections.abc import Iterable, Sequence

from msgspec import Struct

from tcclient.ledger.entries import RefusedTerm
from tcclient.sources.doubts import TermSyntax
from tcclient.sources.keywords import is_box, parse_box, terms_of, utf8_size
from tcclient.sources.twitter_v2.rules import quoting

BOX_DEGREES = (0.0, 360.0)
"""
No limit of our own to a box's sides: what X accepts has changed over the years, and X says so
itself.
"""
SPARE = 16
"""
Characters that stay free in a packed rule, so that the same text can be wanted by nine jobs of
one app: each beyond the first puts it in two more parentheses (see `ruleset`).
"""
_OR = " OR "
PREFIX = "rule:"
"""What stands in front of a term that is a rule as X has them, taken as written."""
SYNTAX = TermSyntax(PREFIX, phrases=True)
"""What is read in a term beside words."""


class Clause(Struct, frozen=True):
    """What one term of the researcher's text asks for.  `text` could be a rule by itself."""

    term: str
    text: str


def clauses(
    text: str | None, rule_length: int
) -> tuple[tuple[Clause, ...], tuple[RefusedTerm, ...]]:
    """
    Return the clauses of a keyword text, and the terms that are refused.

    Commas separate terms, in a `rule:` too.  The words of a term must all occur; `geo:` begins a
    box, and what follows `rule:` is taken as written.  Where two terms ask for the same, there is
    one clause, with the first of them.

    No text, or a blank one, gives neither clauses nor refusals: that asks for the sample of all
    posts.
    """
    if text is None or not text.strip():
        return (), ()
    found: dict[str, Clause] = {}
    terms, refused = terms_of(text)
    for term in terms:
        try:
            rule = _rule(term, rule_length)
            found.setdefault(rule, Clause(term, rule))
        except ValueError as e:
            refused.append(RefusedTerm(term, str(e)))
    return tuple(found.values()), tuple(refused)


def length(rule: str) -> int:
    """
    Return the length of a rule in characters, as X may count them.  X does not document whether an
    emoji is one character or two (UTF-16).  It is two here, so that a rule is never too long.
    """
    return len(rule) if rule.isascii() else len(rule.encode("utf-16-le")) // 2


def pack(found: Iterable[Clause], rule_length: int) -> tuple[str, ...]:
    """
    Return rules of at most `rule_length` characters in which each clause stands once, joined with
    OR.  The order of the clauses makes no difference.

    The clauses stand in alphabetical order.  A row that is too long is cut before the clause with
    the lowest hash, and so are its parts.  Then one clause more or less changes the rule that it
    stands in and rarely another, while of rules filled to their ends all would change from there
    on.  The price is space: with words of usual length the rules are half full.

    Raises ValueError for a clause that is too long; clauses() returns none.
    """
    texts = sorted({clause.text for clause in found})
    if any(length(text) > rule_length for text in texts):
        raise ValueError(f"a clause has more than {rule_length} characters")
    hashes = [hashlib.sha256(text.encode()).digest() for text in texts]
    return tuple(_split(texts, hashes, rule_length - SPARE)) if texts else ()


def fill(found: Iterable[Clause], rule_length: int) -> tuple[str, ...]:
    """
    Return what pack() does in fewer rules, each filled to its end, for an app that has no room for
    more: one clause more or less changes all rules from there on.
    """
    rules: list[str] = []
    for text in sorted({clause.text for clause in found}):
        longer = f"{rules[-1]}{_OR}{text}" if rules else text
        if rules and length(longer) <= rule_length - SPARE:
            rules[-1] = longer
        else:
            rules.append(text)
    return tuple(rules)


def _split(texts: Sequence[str], hashes: Sequence[bytes], room: int) -> Iterable[str]:
    """Yield the rules for the texts, whose hashes these are, cut until each has room."""
    rule = _OR.join(texts)
    if len(texts) == 1 or length(rule) <= room:
        yield rule
        return
    cut = hashes.index(min(hashes[1:]), 1)
    yield from _split(texts[:cut], hashes[:cut], room)
    yield from _split(texts[cut:], hashes[cut:], room)


def _rule(term: str, rule_length: int) -> str:
    """Return a term's clause as text.  Raises ValueError, with a reason, where it can have none."""
    utf8_size(term)
    if is_box(term):
        rule = quoting.bounding_box(parse_box(term, BOX_DEGREES))
    elif term[: len(PREFIX)].lower() == PREFIX:
        rule = quoting.written(term[len(PREFIX) :].strip())
    else:
        rule = quoting.clause(term)
    if length(rule) > rule_length:
        raise ValueError(
            f"as a rule it has {length(rule)} characters, and at most {rule_length} are accepted"
        )
    return rule
