"""What v1.1 makes of a keyword text, told to who types it.  Pure."""

from tcclient.sources.advice import KeywordAdvice, TermAdvice, doubts_by_term
from tcclient.sources.keywords import is_box, parse_box, split_terms
from tcclient.sources.twitter_v1.query import LIMITS, SYNTAX, phrase, read

TITLE = "API v1.1"


def advise(text: str | None) -> KeywordAdvice:
    """Return what is asked for each term."""
    found = read(text, LIMITS)
    unsure = doubts_by_term(text, SYNTAX)
    wrong = {one.term: one.reason for one in found.refused}
    terms = [
        TermAdvice(
            term,
            asked=term if is_box(term) else phrase(term, LIMITS),
            doubts=unsure.get(term, ()),
            box=parse_box(term, LIMITS.box_degrees) if is_box(term) else None,
        )
        for term in split_terms(text or "")
        if term not in wrong
    ]
    terms += [TermAdvice(term, wrong=reason) for term, reason in wrong.items()]
    return KeywordAdvice(TITLE, tuple(terms))
