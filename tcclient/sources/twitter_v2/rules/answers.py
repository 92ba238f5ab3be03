"""What X's answers say of an app's rules.  Pure: knows bodies, makes no requests."""

import json
from collections.abc import Iterator
from typing import Any

from tcclient.runtime.failures import one_line
from tcclient.sources.twitter_v2.rules.ruleset import PresentRule

Body = dict[str, Any]


def loads(body: bytes) -> Any:
    """The JSON value, None for what is not JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def next_token(page: Body) -> str:
    """
    The token of the page after this one, empty where this is the last.  Raises ValueError for what
    is no page: taken for an empty one it would end every capture.
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
    """The rules that are listed, or were created."""
    data = answer.get("data")
    for rule in data if isinstance(data, list) else ():
        if isinstance(rule, dict) and isinstance(rule.get("id"), str):
            value, tag = rule.get("value"), rule.get("tag")
            if isinstance(value, str):
                yield PresentRule(rule["id"], value, tag if isinstance(tag, str) else None)


def refusals(answer: Any) -> Iterator[tuple[str, str]]:
    """(value, reason) of the rules that X does not take; duplicates are not refused."""
    errors = answer.get("errors") if isinstance(answer, dict) else None
    for error in errors if isinstance(errors, list) else ():
        if not isinstance(error, dict) or not isinstance(error.get("value"), str):
            continue
        kind = f"{error.get('title')} {error.get('type')}".lower()
        if "duplicate" not in kind:
            yield error["value"], _reason(error)


def _reason(error: Body) -> str:
    details = error.get("details") or error.get("detail") or error.get("title") or "it is invalid"
    text = "; ".join(map(str, details)) if isinstance(details, list) else str(details)
    return one_line(text)[:300]
