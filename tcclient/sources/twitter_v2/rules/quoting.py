"""
One term of the researcher's text -> one clause of X API v2's rule language.

Knows the language: what X reads as an operator, and how to keep it from doing so.  Knows no limits
and no rules.  The facts are those of docs.x.com "Build a rule" and "Operators".

What a clause matches, beside v1.1's `track`:
- Words.  v1.1 matched a word in the text, in hashtags, mentions and URLs.  v2 compares with the
  words of the text, split at punctuation.  `snow` matches "#snow" and "@snow" as on v1.1, and
  not "#snowday", which v1.1 did not match either.  It matches nothing in a URL: for that write
  `rule:url:snow`.
- `#snow` matches that hashtag only, `@snow` that mention, `$snow` that cashtag, in both.
- A word with punctuation in it becomes a phrase: `coca-cola` matches "coca cola" too.
- Neither matches inside of a word, so Chinese and Japanese texts match as X divides them.
- Words in a pair of quotation marks are a phrase: `"climate change"`.  v1.1 knew no phrases.  A
  pair begins where a word may and ends where one may; the marks may differ („so“).  Any other mark
  (`7" single`) only divides words, as all marks did in v1.1, and so does a mark without a partner.
"""

import re
import unicodedata
from collections.abc import Iterator

from tcclient.sources.keywords import QUOTATION_MARKS, Box

_OPERATORS = frozenset({"or", "and", "not"})
"""
Words that need quotation marks.  Only OR is documented; X's own playground reads AND and NOT as
operators too.
"""
_SIGNS = str.maketrans("＃＠＄", "#@$")
"""The signs with which hashtags and mentions are written in Japanese -> the signs that X knows."""
_NAME = r"@[A-Za-z0-9_]{1,15}|\$[A-Za-z]{1,6}"
"""How a mention or a cashtag is written."""
_MARKS = str.maketrans(dict.fromkeys(QUOTATION_MARKS, '"'))
"""All quotation marks -> the one that X knows."""
_QUOTED = re.compile(r'(?<![^\s("-])"([^"]+)"(?![^\s).;:!?"])')
"""A phrase between two marks that stand at the ends of words: `7" or 12" single` has none."""
_UNQUOTABLE = r'["\\\x00-\x1f\x7f-\x9f]'
"""
Characters that end a phrase, or may: no way to escape them is documented.  X only divides words at
them.
"""
_WORD_CATEGORIES = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Mn", "Mc"})
"""Unicode categories of the characters that a word consists of."""


def clause(term: str) -> str:
    """
    Return a clause for all words and phrases of the term, in any order, none of them read as an
    operator.  Words without anything that X matches (a lone dash) are left out.  Raises ValueError,
    with a reason, when none is left.
    """
    if term.isascii() and term and _is_plain(term):
        return term  # as most terms are, of which there may be ten thousand
    atoms = [atom for atom in _atoms(term) if atom]
    if not atoms:
        raise ValueError("X matches words, numbers, hashtags and emoji, and it has none")
    return atoms[0] if len(atoms) == 1 else f"({' '.join(atoms)})"


def written(rule: str) -> str:
    """
    Return a rule as the researcher wrote it, in parentheses, so that an OR in it does not reach
    other terms.  Raises ValueError, with a reason, for a rule that would reach beyond its
    parentheses.
    """
    if not rule:
        raise ValueError("nothing follows rule:")
    depth = 0
    unquoted = rule.split('"')[::2]
    if rule.count('"') % 2:
        raise ValueError("a quotation mark is not closed (a comma ends a term, in quotes too)")
    for parenthesis in re.findall(r"[()]", " ".join(unquoted)):
        depth += 1 if parenthesis == "(" else -1
        if depth < 0:
            raise ValueError("a parenthesis is closed that is not open")
    if depth:
        raise ValueError("a parenthesis is not closed (a comma ends a term, in parentheses too)")
    return f"({rule})"


def bounding_box(box: Box) -> str:
    """Return the clause for a box, to a millionth of a degree, which is a tenth of a metre."""
    sides = (box.west, box.south, box.east, box.north)
    return f"bounding_box:[{' '.join(map(_degrees, sides))}]"


def _degrees(number: float) -> str:
    text = f"{number:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _atoms(term: str) -> Iterator[str]:
    for number, text in enumerate(_QUOTED.split(term.translate(_MARKS))):
        if number % 2:  # what the group of the pattern matched
            yield _phrase(text)
        else:
            yield from map(_atom, text.split())


def _atom(word: str) -> str:
    word = word[0].translate(_SIGNS) + word[1:]
    if _is_plain(word) or _is_hashtag(word) or re.fullmatch(_NAME, word):
        return word
    return _phrase(word)


def _phrase(text: str) -> str:
    words = re.sub(_UNQUOTABLE, " ", text).split()
    phrase = " ".join(word for word in words if any(map(_can_match, word)))
    # One word, or none, needs no quotation marks.
    return phrase if _is_plain(phrase) else f'"{phrase}"'


def _is_plain(word: str) -> bool:
    if word.isascii():
        return not word or (word.isalnum() and word.lower() not in _OPERATORS)
    # Full-width letters are looked through: X may well do so before it looks for OR.
    readable = unicodedata.normalize("NFKC", word).lower()
    return all(map(_is_of_a_word, word)) and readable not in _OPERATORS


def _is_hashtag(word: str) -> bool:
    tag = word[1:]
    return (
        word[0] == "#"
        and all(c == "_" or _is_of_a_word(c) for c in tag)
        and any(map(str.isalpha, tag))  # "#1" is no hashtag
    )


def _is_of_a_word(character: str) -> bool:
    return unicodedata.category(character) in _WORD_CATEGORIES and not _is_variant(character)


def _is_variant(character: str) -> bool:
    # "If an emoji has a variant, you must wrap it in double quotes."
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _can_match(character: str) -> bool:
    """
    Return whether X matches this character: a letter, a digit or an emoji, as is whatever carries a
    variation selector.  X divides the text at every other symbol: a clause that asks for one would
    match nothing, in silence.
    """
    category = unicodedata.category(character)
    return category[0] in "LNM" or category == "So" or (category == "Sm" and character > "\u2190")
