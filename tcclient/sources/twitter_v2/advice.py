"""What v2 makes of a keyword text, told to who types it.  Pure."""

from tcclient.sources.advice import KeywordAdvice, TermAdvice, doubts_by_term
from tcclient.sources.keywords import is_box, parse_box
from tcclient.sources.twitter_v2.rules.clauses import BOX_DEGREES, SYNTAX, clauses, pack
from tcclient.sources.twitter_v2.settings import V2Section

TITLE = "X API v2"
MOST_RULES = 1000
"""Rules of an app on plans that are paid by use; enterprise plans have more."""


def advise(text: str | None) -> KeywordAdvice:
    """Return what is asked for each term, with the length of rules that is the default."""
    length = V2Section().rule_length
    unsure = doubts_by_term(text, SYNTAX)
    found, refused = clauses(text, length)
    terms = [
        TermAdvice(
            clause.term,
            asked=clause.text,
            doubts=unsure.get(clause.term, ()),
            box=parse_box(clause.term, BOX_DEGREES) if is_box(clause.term) else None,
        )
        for clause in found
    ]
    terms += [TermAdvice(one.term, wrong=one.reason) for one in refused]
    return KeywordAdvice(TITLE, tuple(terms), pack(found, length), length, MOST_RULES)
