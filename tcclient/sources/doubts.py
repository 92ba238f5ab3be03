"""
Terms of a keyword text that look right, and probably find nothing, or not what is meant.  Pure.

Knows what people write for a comma, for an operator and for a list; refuses nothing.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from msgspec import Struct

from tcclient.ledger.entries import RefusedTerm
from tcclient.sources.keywords import MOST_TEXT, QUOTATION_MARKS, is_box, written_terms

MANY_WORDS = 5

_PLAIN = re.compile(r"(?!.*\b(?:OR|AND|NOT)\b)[\w#@ ]{2,}")
"""Most terms are, and 10,000 of them have to be looked through in a turn of the reactor."""
_OPERATOR = (
    r"(?i)^rule:|\"\s*~\s*\d|\b(?:from|to|url|lang|has|is|place|place_country|point_radius"
    r"|bounding_box|context|entity|conversation_id|in_reply_to_tweet_id|retweets_of|filter|since"
    r"|until|near|geocode|source|list):\S"
)
_LINK = r"(?i)https?:|www\."
_OPENED = {"]": "[", "}": "{", ")": "("}
_MARKS = str.maketrans(dict.fromkeys(QUOTATION_MARKS, '"'))
_KANA_DOT = "\uff65"  # beside the halfwidth comma (U+FF64), for which it is easily taken


class TermSyntax(Struct, frozen=True):
    """
    What a source reads in a term beside words: operators behind a `prefix`, "" where there are
    none, and `phrases` in quotation marks.
    """

    prefix: str
    phrases: bool


def doubts(text: str | None, syntax: TermSyntax) -> tuple[RefusedTerm, ...]:
    """Return the doubtful terms of a keyword text, each with a clause that says why."""
    found = doubtful(text, syntax)
    return tuple(RefusedTerm(term, "; ".join(reasons)) for term, reasons in found.items())


def doubtful(text: str | None, syntax: TermSyntax) -> dict[str, tuple[str, ...]]:
    """Return the doubtful terms as they are written, with line ends, each with all reasons."""
    if text is None or len(text) > MOST_TEXT:
        return {}
    separators = {one for one in set(text) if not one.isalnum() and _separates(one)}
    terms = dict.fromkeys(written_terms(text))
    found = {term: tuple(_reasons(term, separators, syntax)) for term in terms}
    return {term: reasons for term, reasons in found.items() if reasons}


@lru_cache
def _separates(character: str) -> bool:
    """Return whether people take a character for the end of a term, which only a comma is."""
    words = unicodedata.name(character, "").split()
    return (
        len(f"a{character}b".splitlines()) > 1
        or character in ("\t", _KANA_DOT)
        or (
            unicodedata.category(character) == "Po"
            and not {"COMMA", "SEMICOLON"}.isdisjoint(words)
            and character != ","
        )
    )


def _reasons(term: str, separators: set[str], syntax: TermSyntax) -> Iterator[str]:
    """Yield why a term may not mean what one thinks; nothing of what is taken as it is written."""
    if _PLAIN.fullmatch(term) and term.count(" ") < MANY_WORDS - 1:
        return
    if is_box(term) or (syntax.prefix and term.lower().startswith(syntax.prefix)):
        return
    yield from _separated(term, separators)
    yield from _of_words(term, syntax)
    instead = f"; for that write {syntax.prefix}…" if syntax.prefix else ""
    if _is_of_a_list(term):
        yield "it looks like a part of a list: only words and commas are needed"
    if "*" in term:
        yield "an asterisk stands for nothing: only whole words are found"
    if re.search(_OPERATOR, term.translate(_MARKS)):
        yield f"this is read as words, not as an operator{instead}"
    elif re.search(_LINK, term):
        yield f"words of links' addresses are not found like this{instead}"


def _is_of_a_list(term: str) -> bool:
    """Return whether a term is the first or last one of a list as programs write it; no smiley."""
    first, second = term[0], term[1:].lstrip()[:1]
    last, before = term[-1], term[:-1].rstrip()[-1:]
    begins = first in "[{" or (first == "(" and ")" not in term)
    ends = last in _OPENED and _OPENED[last] not in term and term[2:]
    return bool((begins and _is_of_a_word(second)) or (ends and _is_of_a_word(before)))


def _is_of_a_word(character: str) -> bool:
    return character.isalnum() or character in ("'", '"')


def _separated(term: str, separators: set[str]) -> Iterator[str]:
    """Yield that a term seems to be several."""
    inside = sorted(separators.intersection(term))
    parts = [part for part in _split(term, inside) if part.strip()]
    if len(parts) > 1:
        named = " and ".join(dict.fromkeys(map(_named, inside)))
        yield (
            f"it is one phrase, all of whose words must occur: did you mean {len(parts)} terms? "
            f"Put commas (,) between them in place of {named}"
        )


def _split(term: str, separators: list[str]) -> list[str]:
    for one in separators[1:]:
        term = term.replace(one, separators[0])
    return term.split(separators[0]) if separators else [term]


def _named(character: str) -> str:
    if character.isprintable():
        return f"{character} ({unicodedata.name(character).lower()})"
    return "tabs" if character == "\t" else "line ends"


def _of_words(term: str, syntax: TermSyntax) -> Iterator[str]:
    """Yield what is doubtful about the words of a term, and about its quotation marks."""
    instead = f"; for that write {syntax.prefix}…" if syntax.prefix else ""
    marked = term.translate(_MARKS)
    bare = re.sub(r'"[^"]*"', "phrase", marked) if syntax.phrases else marked.replace('"', " ")
    words, marks = bare.split(), marked.count('"')
    if len(words) >= MANY_WORDS:
        yield f"all {len(words)} words have to stand in one post: commas separate terms"
    if not {"OR", "AND", "NOT"}.isdisjoint(words):
        yield f"OR, AND and NOT are words like others: commas mean or, blanks mean and{instead}"
    if any(re.match(r"-\w", word) for word in words):
        yield f"a minus leaves nothing out{instead}"
    if marks > 1 and not syntax.phrases:
        yield "quotation marks make no phrase on v1.1: the words may stand anywhere in the post"
    elif marks % 2:
        yield "a quotation mark without a partner only divides words"
    if len(words) == 1 and re.fullmatch(r"[A-Za-z0-9]", words[0]):
        yield "a single letter or digit finds a great many posts, or is refused"
