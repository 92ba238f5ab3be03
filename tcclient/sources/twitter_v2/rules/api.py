"""
Requests about the rules of an app at X API v2: read, try, add, delete.

Knows requests and answers; which rules there should be is decided in `ruleset`, and when to ask, in
`book`.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from msgspec import Struct, structs

from tcclient.http.jsontext import MOST_BYTES
from tcclient.runtime.backoff import RefusalError
from tcclient.sources.twitter_v2.asking import NONSENSE, OverlongAnswer, XRequests
from tcclient.sources.twitter_v2.bearer import Bearer
from tcclient.sources.twitter_v2.rules.answers import (
    Body,
    deleted,
    duplicates,
    next_token,
    present,
    refusals,
)
from tcclient.sources.twitter_v2.rules.ruleset import NewRule, PresentRule

TIMEOUT = 30.0
"""Seconds for a request and its whole answer."""
PAGE = 1000
"""Rules in one page of the list, or fewer where those are too much for one answer."""
SMALLEST_PAGE = 31
"""These have less than MOST_BYTES, with 2,048 characters each, whatever escapes stand for them."""
MOST_PAGES = 1000
"""Pages after which the list is taken for endless: X has at most 25,000 rules of an app."""
AT_ONCE, MOST_SENT = 100, 1_000_000
"""Rules in one request and their bytes, all escaped, since X's answer repeats the rules."""


class RuleError(RefusalError):
    """Raised when the rules could not be read or changed."""


class NoRoom(RuleError):
    """Raised when the app has as many rules as its plan allows."""


class _TooMany(RuleError):
    """Raised where an answer with as many rules is too long."""


class Added(Struct, frozen=True):
    """
    The rules that were created, those that were refused: value -> reason, and the values of those
    that the app has already.
    """

    created: tuple[PresentRule, ...]
    refused: dict[str, str]
    duplicates: tuple[str, ...] = ()


class RuleApi:
    """
    Asks X about the rules of one app.  All methods raise RuleError, and CancelledError if they are
    cancelled, but nothing else.
    """

    def __init__(self, bearer: Bearer) -> None:
        self._requests = XRequests(bearer, TIMEOUT, MOST_BYTES)
        self._page = PAGE

    async def rules(self) -> tuple[PresentRule, ...]:
        """Return all rules of the app, ours or not."""
        while True:
            try:
                return await self._listed(self._page)
            except _TooMany:
                if self._page == SMALLEST_PAGE:
                    self._page = PAGE
                    raise
                self._page //= 2

    async def _listed(self, size: int) -> tuple[PresentRule, ...]:
        found: list[PresentRule] = []
        more = ""
        for _ in range(MOST_PAGES):
            page = await self._ask("GET", f"?max_results={size}{more}")
            try:
                token = next_token(page)
            except ValueError as e:
                raise RuleError(str(e), NONSENSE) from e
            found += present(page)
            if not token:
                return tuple(found)
            more = f"&pagination_token={quote(token, '', errors='replace')}"
        raise RuleError("the list of rules does not end", NONSENSE)

    async def attempt(self, rules: Sequence[NewRule]) -> dict[str, str]:
        """Ask whether X would take the rules.  Return value -> reason for those it would not."""
        return (await self._add(rules, "?dry_run=true")).refused

    async def add(self, rules: Sequence[NewRule]) -> Added:
        """Add the rules.  A duplicate of one that the app has is neither created nor refused."""
        return await self._add(rules, "")

    async def delete(self, ids: Sequence[str]) -> bool:
        """
        Delete rules by their ids.  Return whether X says that it has deleted all of them; if not, a
        new listing tells which are gone.
        """
        is_all = True
        for some in _parts(ids):
            answer = await self._ask("POST", "", {"delete": {"ids": list(some)}})
            is_all = is_all and deleted(answer) == len(some)
        return is_all

    async def _add(self, rules: Sequence[NewRule], parameters: str) -> Added:
        created: list[PresentRule] = []
        refused: dict[str, str] = {}
        known: list[str] = []
        for some in _parts([structs.asdict(rule) for rule in rules]):
            answer = await self._ask("POST", parameters, {"add": list(some)})
            created += present(answer)
            known += duplicates(answer)
            found = dict(refusals(answer))
            if not found.keys() <= {rule["value"] for rule in some}:
                raise RuleError("a rule was refused that was not sent", NONSENSE)
            refused.update(found)
        return Added(tuple(created), refused, tuple(known))

    async def _ask(self, method: str, parameters: str, body: Body | None = None) -> Body:
        """Return the answer to a request.  Raises RuleError."""
        try:
            found = await self._requests.ask(
                method, f"tweets/search/stream/rules{parameters}", body
            )
            answer = found.content()
        except OverlongAnswer as e:
            raise _TooMany(str(e), e.refusal) from e
        except RefusalError as e:
            raise RuleError(str(e), e.refusal) from e
        # Rules that are refused for what they say, or are there already, come with status 400 where
        # none was created.
        is_of_rules = found.status == 400 and isinstance(answer, dict)
        refused_rules = is_of_rules and bool([*refusals(answer), *duplicates(answer)])
        if found.status not in (200, 201) and not refused_rules:
            no_room = b"rule-cap" in found.body or b"RulesCapExceeded" in found.body
            raise (NoRoom if no_room else RuleError)(
                f"the answer was {found.status}", self._requests.meaning(found)
            )
        if not isinstance(answer, dict):
            raise RuleError("the answer is not a JSON object", NONSENSE)
        return answer


def _parts(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield the items in parts of at most AT_ONCE and, with several items, of MOST_SENT."""
    part: list[Any] = []
    size = 0
    for item in items:
        more = len(json.dumps(item))
        if part and (len(part) == AT_ONCE or size + more > MOST_SENT):
            yield part
            part, size = [], 0
        part.append(item)
        size += more
    if part:
        yield part
