"""
The researcher's keyword text -> the texts of X API v2 rules.

Knows how terms become clauses and clauses are packed into rules; knows nothing of who owns a
rule (`ruleset`) nor what X thinks of it: X judges by `dry_run`.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import attrs

from tcclient.ledger.entries import RefusedTerm
from tcclient.sources.keywords import is_box, parse_box, split_terms, utf8_size
from tcclient.sources.twitter_v2.rules import quoting

BOX_DEGREES = (0.0, 360.0)
"""No limit of our own: what X accepts has changed over the years, and it says so itself."""
SPARE = 16
"""
Characters that stay free in a packed rule, so that the same text can be wanted by nine jobs of
one app: each beyond the first puts it in two more parentheses (see `ruleset`).
"""
_OR = " OR "
_PREFIX = "rule:"


@attrs.frozen
class Clause:
    """What one term of the researcher's text asks for: `text` is a rule by itself."""

    term: str
    text: str


def clauses(
    text: str | None, rule_length: int
) -> tuple[tuple[Clause, ...], tuple[RefusedTerm, ...]]:
    """
    Commas separate terms, in a `rule:` too.  The words of a term must all occur; `geo:` begins a
    box, and what follows `rule:` is taken as written.  Two terms may ask for the same: there is
    one clause then, with the first of them.

    No text, or a blank one, gives neither clauses nor refusals: that asks for the sample stream.
    """
    if text is None or not text.strip():
        return (), ()
    found: dict[str, Clause] = {}
    refused: list[RefusedTerm] = []
    terms = split_terms(text)
    for term in terms:
        try:
            rule = _rule(term, rule_length)
            found.setdefault(rule, Clause(term, rule))
        except ValueError as e:
            refused.append(RefusedTerm(term, str(e)))
    if not terms:
        refused.append(RefusedTerm(text.strip(), "there is no term between the commas"))
    return tuple(found.values()), tuple(refused)


def length(rule: str) -> int:
    """
    Its characters, as X may count them: X says "characters", and whether an emoji is one or two
    (UTF-16) is not documented.  It is two here, so that a rule is never too long.
    """
    return len(rule.encode("utf-16-le")) // 2


def pack(found: Iterable[Clause], rule_length: int) -> tuple[str, ...]:
    """
    Rules of `rule_length` at most that have every clause in one of them, joined with OR.  The
    order of the clauses makes no difference.

    A row that is too long, in alphabetical order, is cut before the clause with the lowest hash,
    and so are its parts.  A clause more or less then changes the rule that it stands in and
    rarely another, while rules filled to their ends would all change from there on.  The price
    is space: with words of usual length the rules are half full.

    Raises ValueError for a clause that is too long; `clauses` gives none.
    """
    texts = sorted({clause.text for clause in found})
    if any(length(text) > rule_length for text in texts):
        raise ValueError(f"a clause has more than {rule_length} characters")
    hashes = {text: hashlib.sha256(text.encode()).digest() for text in texts}
    return tuple(_split(texts, hashes, rule_length - SPARE)) if texts else ()


def _split(texts: Sequence[str], hashes: Mapping[str, bytes], room: int) -> Iterable[str]:
    rule = _OR.join(texts)
    if len(texts) == 1 or length(rule) <= room:
        yield rule
        return
    cut = min(range(1, len(texts)), key=lambda at: hashes[texts[at]])
    yield from _split(texts[:cut], hashes, room)
    yield from _split(texts[cut:], hashes, room)


def _rule(term: str, rule_length: int) -> str:
    utf8_size(term)
    if is_box(term):
        rule = quoting.bounding_box(parse_box(term, BOX_DEGREES))
    elif term[: len(_PREFIX)].lower() == _PREFIX:
        rule = quoting.written(term[len(_PREFIX) :].strip())
    else:
        rule = quoting.clause(term)
    if length(rule) > rule_length:
        raise ValueError(
            f"as a rule it has {length(rule)} characters, and at most {rule_length} are accepted"
        )
    return rule
