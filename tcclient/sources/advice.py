"""
What a person is told of a keyword text while typing it: what is asked, what is wrong, what may be.
Pure.

Knows mistakes that people make with terms of any source; what a source makes of a term, it knows.
"""

from msgspec import Struct

from tcclient.sources.doubts import TermSyntax, doubtful
from tcclient.sources.keywords import Box


class TermAdvice(Struct, frozen=True):
    """
    A term as it was understood: what X is `asked` for it, "" where it is left out because of what
    is `wrong`; `doubts` are reasons why it may find nothing, or other posts than one thinks.
    """

    term: str
    asked: str = ""
    wrong: str = ""
    doubts: tuple[str, ...] = ()
    box: Box | None = None


class KeywordAdvice(Struct, frozen=True):
    """
    A keyword text as one source understands it, which has a `title`; without terms it asks for the
    sample of all posts, if anything.  `rules` are those that X is to hold for it, if it keeps any,
    which have `rule_length` characters at most; of them an app has `most_rules` on X's usual plans.
    """

    title: str
    terms: tuple[TermAdvice, ...]
    rules: tuple[str, ...] = ()
    rule_length: int = 0
    most_rules: int = 0

    @property
    def longest_rule(self) -> int:
        """How many characters the longest of the rules has."""
        return max(map(len, self.rules), default=0)


def doubts_by_term(text: str | None, syntax: TermSyntax) -> dict[str, tuple[str, ...]]:
    """Return the reasons for doubt about terms of a text, by the term as it is read."""
    return {" ".join(term.split()): why for term, why in doubtful(text, syntax).items()}


def many_lines(text: str) -> bool:
    """Return whether a text seems to mean a term by each line, though only commas divide it."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return len(lines) > 1 and not any(line.endswith(",") for line in lines[:-1])
