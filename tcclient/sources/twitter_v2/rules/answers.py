"""
What X's answers say of an app's rules.  Pure.

Knows bodies; makes no requests.
"""

import re
from collections.abc import Iterator
from typing import Any

from tcclient.runtime.failures import one_line
from tcclient.sources.twitter_v2.envelopes import id_of
from tcclient.sources.twitter_v2.rules.ruleset import PresentRule

Body = dict[str, Any]
"""A JSON object, decoded."""

_OF_LENGTH = r"(?i)too long|length|characters long|\d characters"
"""How X's reason speaks of the length of a rule, and not of characters that it does not take."""
_LIMIT = r"(?i)(?:most|max|less|fewer|limit|exceed|length)\D{0,20}(\d+)|(\d+)[- ]char"
"""How it names the longest length; that of the refused rule may stand beside it."""
_QUOTED = r"""(?<!\w)(['"`]).*?\1(?!\w)"""
"""What a reason has in quotes: words of the rule."""


def next_token(page: Body) -> str:
    """
    Return the token of the page after this one, empty if this is the last.  Raises ValueError, with
    a clause, for an answer that is not a list of rules: taken for an empty list, it would end every
    capture.
    """
    data, meta, errors = page.get("data"), page.get("meta"), page.get("errors")
    # `data` is absent when there are no rules.
    if errors or not isinstance(data, list | None) or not (data or isinstance(meta, dict)):
        raise ValueError("the answer is no list of rules")
    token = meta.get("next_token") if isinstance(meta, dict) else None
    if not isinstance(token, str | None):
        raise ValueError("the list of rules goes on, but not where")
    return token or ""


def present(answer: Body) -> Iterator[PresentRule]:
    """Yield the rules that an answer lists, or that were created."""
    data = answer.get("data")
    for rule in data if isinstance(data, list) else ():
        if isinstance(rule, dict) and id_of(rule.get("id")):
            value, tag = rule.get("value"), rule.get("tag")
            if isinstance(value, str):
                yield PresentRule(id_of(rule["id"]), value, tag if isinstance(tag, str) else None)


def deleted(answer: Body) -> int | None:
    """Return how many rules X says it has deleted, None where it does not say."""
    meta = answer.get("meta")
    summary = meta.get("summary") if isinstance(meta, dict) else None
    number = summary.get("deleted") if isinstance(summary, dict) else None
    return number if type(number) is int else None


def refusals(answer: Any) -> Iterator[tuple[str, str]]:
    """Yield value and reason of each rule that X refuses; a duplicate does not count as refused."""
    for error in _errors(answer):
        if not _is_duplicate(error):
            yield error["value"], _reason(error)


def is_of_length(reason: str) -> bool:
    """Return whether X refuses a rule for its length, going by X's own words in the reason."""
    return re.search(_OF_LENGTH, re.sub(_QUOTED, "", reason)) is not None


def limits_in(reason: str) -> list[int]:
    """Return the numbers of characters that X's reason may mean by the longest length."""
    unquoted = re.sub(_QUOTED, "", reason)
    return [int(most or number) for most, number in re.findall(_LIMIT, unquoted)]


def duplicates(answer: Body) -> list[str]:
    """Return the values that X calls duplicates of rules that the app has."""
    return [error["value"] for error in _errors(answer) if _is_duplicate(error)]


def _errors(answer: Any) -> Iterator[Body]:
    """Yield the errors in an answer that name the value of a rule."""
    errors = answer.get("errors") if isinstance(answer, dict) else None
    for error in errors if isinstance(errors, list) else ():
        if isinstance(error, dict) and isinstance(error.get("value"), str):
            yield error


def _is_duplicate(error: Body) -> bool:
    return "duplicate" in f"{error.get('title')} {error.get('type')}".lower()


def _reason(error: Body) -> str:
    """Return why a rule is refused, as a line of 300 characters at most."""
    details = error.get("details") or error.get("detail") or error.get("title") or "it is invalid"
    text = "; ".join(map(str, details)) if isinstance(details, list) else str(details)
    return one_line(text)[:300]
