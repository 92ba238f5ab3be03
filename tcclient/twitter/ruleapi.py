"""
The rules of an app over X API v2: read, try, add, delete.

Knows requests and answers; which rules there should be is decided in `ruleset`, and when, in
`rulebook`.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs
from treq.client import HTTPClient
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers

from tcclient.backoff import Trouble
from tcclient.bodies import TooLong, read_body
from tcclient.failures import explain
from tcclient.twitter import Refusal, problems
from tcclient.twitter.bearer import Bearer, NoToken
from tcclient.twitter.ruleset import NewRule, PresentRule
from tcclient.web import AsItIs

TIMEOUT = 30.0
"""Seconds for a request and its whole answer."""
MOST_BYTES = 16 << 20
"""Of an answer: 25,000 rules of 2,048 characters come in pages of 1,000."""
PAGE = 1000
MOST_PAGES = 100
AT_ONCE = 100
"""Rules in one request, to keep bodies small."""


class RuleError(Exception):
    """The rules could not be read or changed; `refusal` says what that means."""

    def __init__(self, reason: str, refusal: Refusal) -> None:
        super().__init__(reason)
        self.refusal = refusal


@attrs.frozen
class Added:
    """What became of rules that were to be added: value -> reason for those refused."""

    created: tuple[PresentRule, ...]
    refused: dict[str, str]


@attrs.define
class RuleApi:
    """All methods raise RuleError, and nothing else."""

    _client: HTTPClient
    _api_url: str
    _bearer: Bearer
    _user_agent: str
    _clock: IReactorTime

    async def rules(self) -> tuple[PresentRule, ...]:
        """All rules of the app, ours or not."""
        found: list[PresentRule] = []
        more = ""
        for _ in range(MOST_PAGES):
            page = await self._ask("GET", f"?max_results={PAGE}{more}")
            found += _rules(page)
            meta = page.get("meta")
            token = meta.get("next_token") if isinstance(meta, dict) else None
            if not isinstance(token, str) or not token.isalnum():
                return tuple(found)
            more = f"&pagination_token={token}"
        raise RuleError("the list of rules does not end", _NONSENSE)

    async def attempt(self, rules: Sequence[NewRule]) -> dict[str, str]:
        """Whether X would take `rules`: value -> reason for those it would not.  It adds none."""
        return (await self._add(rules, "?dry_run=true")).refused

    async def add(self, rules: Sequence[NewRule]) -> Added:
        """Add `rules`; a duplicate, which the app has already, is neither created nor refused."""
        return await self._add(rules, "")

    async def delete(self, ids: Sequence[str]) -> None:
        """Delete rules by id; one that is gone already is no error."""
        for some in _parts(ids):
            await self._ask("POST", "", {"delete": {"ids": list(some)}})

    async def _add(self, rules: Sequence[NewRule], parameters: str) -> Added:
        created: list[PresentRule] = []
        refused: dict[str, str] = {}
        for some in _parts(rules):
            answer = await self._ask(
                "POST", parameters, {"add": [attrs.asdict(rule) for rule in some]}
            )
            created += _rules(answer)
            refused.update(_refused(answer))
        return Added(tuple(created), refused)

    async def _ask(
        self, method: str, parameters: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        exchange = Deferred.fromCoroutine(self._exchange(method, parameters, body))
        try:
            return await exchange.addTimeout(TIMEOUT, self._clock)
        except RuleError:
            raise
        except NoToken as e:
            trouble = Trouble.REFUSED if e.denied else Trouble.HTTP
            raise RuleError(str(e), Refusal(trouble, "Check api_key and api_secret.")) from e
        except TooLong:
            raise RuleError("the answer is too long", _NONSENSE) from None
        except Exception as e:
            unreachable = Refusal(Trouble.NETWORK, "")
            raise RuleError(explain(Failure()), unreachable) from e

    async def _exchange(
        self, method: str, parameters: str, body: dict[str, Any] | None
    ) -> dict[str, Any]:
        token = await self._bearer.token()
        headers = {"Authorization": [f"Bearer {token.reveal()}"], "User-Agent": [self._user_agent]}
        if body is not None:
            headers["Content-Type"] = ["application/json"]
        response = await self._client.request(
            method,
            AsItIs.from_text(f"{self._api_url}2/tweets/search/stream/rules{parameters}"),
            headers=Headers(headers),
            data=None if body is None else json.dumps(body).encode(),
            allow_redirects=False,
            unbuffered=True,
        )
        said = await read_body(response, MOST_BYTES)
        if response.code == 401 and self._bearer.refused(token):
            raise RuleError("the answer was 401", Refusal(Trouble.NETWORK, "", "the token is old"))
        answer = _loads(said)
        # Rules that are refused for what they say come with status 400 where none was created.
        refused_rules = response.code == 400 and bool(list(_refused(answer)))
        if response.code not in (200, 201) and not refused_rules:
            now = self._clock.seconds()
            secrets = self._bearer.secrets
            raise RuleError(
                f"the answer was {response.code}",
                problems.refusal(response.code, response.headers, said, now, secrets),
            )
        if not isinstance(answer, dict):
            raise RuleError("the answer is not a JSON object", _NONSENSE)
        return answer


_NONSENSE = Refusal(Trouble.HTTP, "That is X's side, and usually passes.")


def _parts(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[at : at + AT_ONCE] for at in range(0, len(items), AT_ONCE))


def _rules(answer: dict[str, Any]) -> Iterator[PresentRule]:
    data = answer.get("data")
    for rule in data if isinstance(data, list) else ():
        if isinstance(rule, dict) and isinstance(rule.get("id"), str):
            value, tag = rule.get("value"), rule.get("tag")
            if isinstance(value, str):
                yield PresentRule(rule["id"], value, tag if isinstance(tag, str) else None)


def _refused(answer: Any) -> Iterable[tuple[str, str]]:
    """(value, reason) of the rules that X does not take; duplicates are not refused."""
    errors = answer.get("errors") if isinstance(answer, dict) else None
    for error in errors if isinstance(errors, list) else ():
        if not isinstance(error, dict) or not isinstance(error.get("value"), str):
            continue
        kind = f"{error.get('title')} {error.get('type')}".lower()
        if "duplicate" not in kind:
            yield error["value"], _reason(error)


def _reason(error: dict[str, Any]) -> str:
    details = error.get("details") or error.get("detail") or error.get("title") or "it is invalid"
    text = "; ".join(map(str, details)) if isinstance(details, list) else str(details)
    return " ".join(text.split())[:300]


def _loads(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
