"""
One request to the capture server, and its answer; and by how much the clocks of both ends differ,
as answers tell.

Knows what each request carries and how long an answer may take; does not know what is asked.
"""

import json

from msgspec import structs
from treq.client import HTTPClient
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers

from tcclient.control.answers import Answer, AnswerTooLong, ServerError, seconds_of
from tcclient.http.bodies import TooLong, read_body
from tcclient.http.clients import AsItIs
from tcclient.http.dates import date_of
from tcclient.http.jsontext import MOST_BYTES
from tcclient.runtime.failures import explain
from tcclient.runtime.secrets import Secret
from tcclient.runtime.turns import FewAtOnce
from tcclient.runtime.wallclock import Date, Wall

RESOLUTION = 1.0
"""Seconds: the date of an answer is when it was made, or up to so much earlier."""


def offset(asked: Date, answered: Date, made: float | None) -> float | None:
    """
    Return how many seconds the dates `asked` and `answered` are ahead of when the answer says that
    it was `made`, at least, and negative if behind: 0.0 if it can have been made meanwhile.  None
    if it does not say so.
    """
    if made is None:
        return None
    ahead, behind = asked - made - RESOLUTION, answered - made
    if ahead > 0:
        return ahead
    return behind if behind < 0 else 0.0


JSON, BYTES = "application/json", "application/octet-stream"
OURS = "TCC-Server"
"""In the head of each answer of a server that takes states, hosts and ledgers."""
TIMEOUT = 10.0
"""Seconds for a request and its whole answer."""
AT_ONCE = 2
"""
Most requests under way.  The site of 2016 reads, changes and writes whole rows: the more of ours
are under way at once, the more of a researcher's clicks they undo.
"""


class ServerExchange:
    """
    Asks one server with one token.  `base_url` ends in a slash; `agent` is the User-Agent to send;
    `clock` bounds the time of an answer, and `wall` tells how far the server's is off.  Requests
    wait until fewer than AT_ONCE are under way, the list of jobs before all others.
    """

    def __init__(
        self,
        client: HTTPClient,
        base_url: str,
        token: Secret,
        agent: str,
        clock: IReactorTime,
        wall: Wall,
    ) -> None:
        self._client = client
        self._base_url = base_url
        self._token = token
        self._agent = agent
        self.clock = clock
        self.wall = wall
        self._turns = FewAtOnce(AT_ONCE)
        self._rest_until = 0.0
        self._rests: Answer | None = None  # the answer by which it has asked for that
        self.clock_offset: float | None = None
        """
        Seconds by which this machine's clock is ahead of the server's, at least; negative if it is
        behind.  None if no answer has told.
        """
        self.takes_reports = False
        """Whether the server takes states, hosts and ledgers, as its last good answer tells."""

    async def ask(self, method: str, path: str, content: object = None) -> Answer:
        """
        Return the answer to one request, which carries `content` as JSON, bytes as they are, None
        for nothing.  Raises ServerError if there is none, or if the server has asked not to be
        asked for a while.
        """
        is_list = path.startswith("activejobs/?")
        async with self._turns.urgent() if is_list else self._turns.ordinary():
            self._check_may_ask()
            answer = await self._timed(method, path, content)
        if answer.rest:
            self._rest_until, self._rests = self.clock.seconds() + answer.rest, answer
        return answer

    def _check_may_ask(self) -> None:
        """Raise ServerError while the server rests."""
        rest = self._rest_until - self.clock.seconds()
        if rest > 0 and self._rests is not None:
            error = structs.replace(self._rests, retry_after=rest).error()
            error.refused = True  # nothing is asked
            raise error

    async def _timed(self, method: str, path: str, content: object) -> Answer:
        """Return the answer, if it comes within TIMEOUT.  Raises ServerError if it does not."""
        exchange = Deferred.fromCoroutine(self._exchange(method, path, content))
        try:
            return await exchange.addTimeout(TIMEOUT, self.clock)
        except TooLong:
            raise AnswerTooLong("the answer is too long") from None
        except Exception:
            failure = Failure()
            raise ServerError(self._without_token(explain(failure))) from failure.value

    async def _exchange(self, method: str, path: str, content: object) -> Answer:
        """Return the answer.  A redirect is not followed: a write would lose its body."""
        kind = BYTES if isinstance(content, bytes) else JSON
        body = content if isinstance(content, bytes | None) else json.dumps(content).encode()
        of_body = {"Content-Length": ["0"]} if body is None else {"Content-Type": [kind]}
        headers = {
            "Authorization": [f"Token {self._token.reveal()}"],
            "Accept": [JSON],
            "User-Agent": [self._agent],
        }
        asked = self.wall()
        response = await self._client.request(
            method,
            AsItIs.from_text(self._base_url + path),
            headers=Headers(headers | of_body),
            data=body,  # treq sends its length: a chunked body is taken for empty (recorded)
            allow_redirects=False,
            unbuffered=True,
        )
        said_at = date_of(response.headers) or self.wall()
        self.clock_offset = offset(asked, self.wall(), date_of(response.headers))
        if response.code == 200:
            self.takes_reports = response.headers.hasHeader(OURS)
        location = response.headers.getRawHeaders("Location", [""])[0]
        again = seconds_of(response.headers.getRawHeaders("Retry-After", [None])[0], said_at)
        body = await read_body(response, MOST_BYTES)
        if response.code >= 300:
            # Our errors quote both, and debugging pages repeat the request's headers.
            body = body.replace(self._token.reveal().encode(), b"...")
            location = self._without_token(location)
        return Answer(response.code, body, location, again)

    def _without_token(self, text: str) -> str:
        return text.replace(self._token.reveal(), "...")
