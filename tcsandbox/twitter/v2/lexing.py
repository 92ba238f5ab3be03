"""Divides a rule's text into parentheses, phrases, operators, OR, minus signs and words.  Pure."""

import re
from collections.abc import Iterator

import attrs

_TOKEN = re.compile(
    r"""\s+
    | (?P<open>\() | (?P<close>\))
    | (?P<near>"[^"]*"~(?P<apart>[1-6])\b) | (?P<quoted>"[^"]*") | (?P<odd>["\[\]{}\\|;])
    | (?P<operator>[A-Za-z_]+):(?P<value>"[^"]*"|\[[^\]]*\]|[^\s()"\[\]]*)
    | (?P<minus>-)
    | (?P<word>[^\s()"\[\]{}\\|;:]+)
    | (?P<other>.)""",
    re.VERBOSE,
)


class InvalidRule(Exception):
    """Raised for a rule that X would refuse; `details` are its sentences, with positions from 1."""

    def __init__(self, *details: str) -> None:
        super().__init__("; ".join(details))
        self.details = details


def no_viable(text: str, at: int) -> InvalidRule:
    """Return X's refusal of `text`, which it did not expect at position `at`."""
    return InvalidRule(f"no viable alternative at input '{text}' (at position {at})")


@attrs.frozen
class RuleToken:
    """A piece of a rule; `kind` is a group of the pattern, or "or" or "end"."""

    kind: str
    text: str
    at: int  # 1-based
    value: str = ""  # of an operator; for a near, how many words may stand between


def tokenize(rule: str) -> Iterator[RuleToken]:
    """Yield the pieces of `rule`, the end last; raise InvalidRule."""
    for found in _TOKEN.finditer(rule):
        kind, at = found.lastgroup, found.start() + 1
        if kind is None:
            continue
        if kind in ("odd", "other"):
            raise no_viable(found[0], at)
        if kind == "value":
            yield RuleToken("operator", found["operator"], at, found["value"])
        elif kind == "near":
            yield RuleToken("near", found[0].rpartition("~")[0], at, found["apart"])
        elif kind == "word" and found[0] == "OR":
            yield RuleToken("or", "OR", at)
        else:
            yield RuleToken(kind, found[0], at)
    yield RuleToken("end", "<EOF>", len(rule) + 1)
