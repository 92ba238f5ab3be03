"""
Requests about the rules of an app at X API v2: read, try, add, delete.

Knows requests and answers; which rules there should be is decided in `ruleset`, and when to ask, in
`book`.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, cast
from urllib.parse import quote

from msgspec import Struct, structs
from treq.client import HTTPClient
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from tcclient.http.bodies import TooLong, read_body
from tcclient.runtime.backoff import Trouble
from tcclient.runtime.failures import explain
from tcclient.runtime.refusals import Refusal, RefusalError
from tcclient.sources.twitter_v2.bearer import Bearer
from tcclient.sources.twitter_v2.rules.answers import (
    Body,
    deleted,
    loads,
    next_token,
    present,
    refusals,
)
from tcclient.sources.twitter_v2.rules.ruleset import NewRule, PresentRule

TIMEOUT = 30.0
"""Seconds for a request and its whole answer."""
MOST_BYTES = 16 << 20
"""Bytes of the longest answer: 25,000 rules of 2,048 characters come in pages of 1,000."""
PAGE = 1000
"""Rules in one page of the list."""
MOST_PAGES = 100
"""Pages after which the list is taken for endless."""
AT_ONCE = 100
"""Rules in one request, which keeps bodies small."""

_NONSENSE = Refusal(Trouble.HTTP, "That is X's side, and usually passes.")
_UNREACHABLE = Refusal(Trouble.NETWORK, "")


class RuleError(RefusalError):
    """Raised when the rules could not be read or changed."""


class NoRoom(RuleError):
    """Raised when the app has as many rules as its plan allows."""


class Added(Struct, frozen=True):
    """The rules that were created, and those that were refused: value -> reason."""

    created: tuple[PresentRule, ...]
    refused: dict[str, str]


class RuleApi:
    """
    Asks X about the rules of one app.  All methods raise RuleError, and CancelledError if they are
    cancelled, but nothing else.
    """

    def __init__(
        self, client: HTTPClient, api_url: str, bearer: Bearer, clock: IReactorTime
    ) -> None:
        self._client = client
        self._api_url = api_url
        self._bearer = bearer
        self._clock = clock

    async def rules(self) -> tuple[PresentRule, ...]:
        """Return all rules of the app, ours or not."""
        found: list[PresentRule] = []
        more = ""
        for _ in range(MOST_PAGES):
            page = await self._ask("GET", f"?max_results={PAGE}{more}")
            try:
                token = next_token(page)
            except ValueError as e:
                raise RuleError(str(e), _NONSENSE) from e
            found += present(page)
            if not token:
                return tuple(found)
            more = f"&pagination_token={quote(token, '', errors='replace')}"
        raise RuleError("the list of rules does not end", _NONSENSE)

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
        for some in _parts(rules):
            answer = await self._ask(
                "POST", parameters, {"add": [structs.asdict(rule) for rule in some]}
            )
            created += present(answer)
            found = dict(refusals(answer))
            if not found.keys() <= {rule.value for rule in some}:
                raise RuleError("a rule was refused that was not sent", _NONSENSE)
            refused.update(found)
        return Added(tuple(created), refused)

    async def _ask(self, method: str, parameters: str, body: Body | None = None) -> Body:
        """Return the answer to a request.  Raises RuleError."""
        exchange = Deferred.fromCoroutine(self._exchange(method, parameters, body))
        try:
            return await _abandonable(exchange.addTimeout(TIMEOUT, self._clock))
        except (RuleError, CancelledError):
            raise
        except RefusalError as e:
            raise RuleError(str(e), e.refusal) from e
        except TooLong:
            raise RuleError("the answer is too long", _NONSENSE) from None
        except Exception as e:
            raise RuleError(explain(Failure()), _UNREACHABLE) from e

    async def _exchange(self, method: str, parameters: str, body: Body | None) -> Body:
        """Return the answer to a request."""
        response = await self._bearer.ask(
            self._client,
            method,
            f"{self._api_url}2/tweets/search/stream/rules{parameters}",
            None if body is None else json.dumps(body).encode(),
        )
        said = await read_body(response, MOST_BYTES)
        answer = loads(said)
        # Rules that are refused for what they say come with status 400 where none was created.
        refused_rules = response.code == 400 and bool(list(refusals(answer)))
        if response.code not in (200, 201) and not refused_rules:
            no_room = b"rule-cap" in said or b"RulesCapExceeded" in said
            raise (NoRoom if no_room else RuleError)(
                f"the answer was {response.code}",
                self._bearer.meaning(response.code, response.headers, said),
            )
        if not isinstance(answer, dict):
            raise RuleError("the answer is not a JSON object", _NONSENSE)
        return answer


def _abandonable(exchange: Deferred[Body]) -> Deferred[Body]:
    """
    Return a Deferred that fires as `exchange` does, and fails with CancelledError if it is
    cancelled.  Twisted's HTTP client may fail with something else then, such as a name that cannot
    be resolved.
    """

    def abandon(answer: Deferred[Body]) -> None:
        answer.errback(CancelledError())
        exchange.cancel()

    def pass_on(result: Body | Failure) -> None:
        if not answer.called:
            answer.callback(cast(Body, result))

    answer: Deferred[Body] = Deferred(abandon)
    exchange.addBoth(pass_on)
    return answer


def _parts(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Return the items in parts of AT_ONCE."""
    return (items[at : at + AT_ONCE] for at in range(0, len(items), AT_ONCE))
