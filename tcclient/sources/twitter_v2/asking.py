"""
Requests of X API v2 that are not for a stream: with the app's token, and a bound for the answer.

Knows how an answer is waited for and what none means; does not know what is asked for.
"""

import json
from typing import Any, cast

from msgspec import Struct
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers

from tcclient.http.bodies import TooLong, read_body
from tcclient.http.jsontext import NoJSON, TooCostly, loads
from tcclient.runtime.backoff import Refusal, RefusalError, Trouble
from tcclient.runtime.failures import explain
from tcclient.sources.twitter_v2.bearer import Bearer

NONSENSE = Refusal(Trouble.HTTP, "That is X's side, and usually passes.")
"""What an answer means that cannot be understood."""
_UNREACHABLE = Refusal(Trouble.NETWORK, "")


class OverlongAnswer(RefusalError):
    """Raised where an answer is longer than is read: what is asked may be asked in parts."""

    def __init__(self) -> None:
        super().__init__("the answer is too long", NONSENSE)


class WholeAnswer(Struct, frozen=True):
    """An answer with all of its body."""

    status: int
    headers: Headers
    body: bytes

    def content(self) -> Any:
        """Return the decoded body, None for what is not JSON.  Raises OverlongAnswer."""
        try:
            return loads(self.body)
        except NoJSON:
            return None
        except TooCostly:
            raise OverlongAnswer() from None


class XRequests(Struct, frozen=True):
    """
    Makes requests with the token, where that is good; the whole answer has to come within
    `seconds`, and to have no more than `most` bytes.
    """

    _bearer: Bearer
    _seconds: float
    _most: int

    async def ask(self, method: str, path: str, body: object = None) -> WholeAnswer:
        """
        Return the answer, whatever its status; the body is sent as JSON, None for none.  Raises
        RefusalError if there is no answer, OverlongAnswer too, and CancelledError.
        """
        exchange = Deferred.fromCoroutine(self._exchange(method, path, body))
        try:
            return await _abandonable(exchange.addTimeout(self._seconds, self._bearer.clock))
        except (RefusalError, CancelledError):
            raise
        except TooLong:
            raise OverlongAnswer() from None
        except Exception as e:
            raise RefusalError(explain(Failure()), _UNREACHABLE) from e

    def meaning(self, answer: WholeAnswer) -> Refusal:
        """Return what X means by an answer that refuses, with no secret in it."""
        return self._bearer.meaning(answer.status, answer.headers, answer.body)

    async def _exchange(self, method: str, path: str, body: object) -> WholeAnswer:
        sent = None if body is None else json.dumps(body).encode()
        bearer = self._bearer
        response = await bearer.ask(bearer.client, method, f"{bearer.api_url}2/{path}", sent)
        said = await read_body(response, self._most)
        return WholeAnswer(response.code, response.headers, said)


def _abandonable(exchange: Deferred[WholeAnswer]) -> Deferred[WholeAnswer]:
    """
    Return a Deferred that fires as `exchange` does, and fails with CancelledError if it is
    cancelled.  Twisted's HTTP client may fail with something else then, such as a name that cannot
    be resolved.
    """

    def abandon(answer: Deferred[Any]) -> None:
        answer.errback(CancelledError())
        exchange.cancel()

    def pass_on(result: WholeAnswer | Failure) -> None:
        if not answer.called:
            answer.callback(cast(WholeAnswer, result))

    answer: Deferred[WholeAnswer] = Deferred(abandon)
    exchange.addBoth(pass_on)
    return answer
