"""X's REST endpoints with a voice: what they answer is said by a test, in memory."""

import json
from collections import deque

import attrs
from treq.testing import StubTreq
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from tcclient.runtime.secrets import Secret
from tcclient.sources.twitter_v2.bearer import Bearer
from tests.peers import clock_at

URL = "https://x.example/"
KEY, SECRET, GIVEN = Secret("QtheQkeyQ"), Secret("QtheQsecretQ+/="), Secret("AAAAgiven%3DQ")
AGENT = "tcc/test (client 1)"


@attrs.frozen
class Asked:
    """One request."""

    method: str
    path: str
    query: str
    headers: dict[str, list[str]]
    body: bytes

    @property
    def content(self) -> object:
        """The body as JSON."""
        return json.loads(self.body)


class Endpoints(Resource):
    """Answers what it was told to, in order; without that it leaves a request `waiting`."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Asked] = []
        self.waiting: list[Request] = []
        self._script: deque[tuple[int, bytes, dict[str, str]]] = deque()

    def will_say(self, status: int, content: object = b"", **headers: str) -> None:
        """To one request.  What is not bytes goes out as JSON; `a_b` is the header a-b."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self._script.append((status, body, headers))

    def says_nothing(self) -> None:
        """What was to be said and has not been asked for is not said any more."""
        self._script.clear()

    def render(self, request: Request) -> bytes | int:
        """Answer what is next in the script, or let the request wait."""
        path, _, query = request.uri.decode().partition("?")
        headers = {
            name.decode().lower(): [value.decode() for value in values]
            for name, values in request.requestHeaders.getAllRawHeaders()
        }
        body = request.content.read()
        self.asked.append(Asked(request.method.decode(), path, query, headers, body))
        if not self._script:
            self.waiting.append(request)
            return NOT_DONE_YET
        status, content, more = self._script.popleft()
        self._say(request, status, more)
        return content

    def say(self, status: int, content: bytes) -> None:
        """To the request that has been waiting longest."""
        request = self.waiting.pop(0)
        self._say(request, status, {})
        request.write(content)
        request.finish()

    def _say(self, request: Request, status: int, headers: dict[str, str]) -> None:
        request.setResponseCode(status)
        for name, value in headers.items():
            request.setHeader(name.replace("_", "-").encode(), value.encode())


class XTestCase(SynchronousTestCase):
    """The endpoints, a client for them, and a clock on which no call is left behind."""

    def setUp(self) -> None:
        self.clock = clock_at()
        self.x = Endpoints()
        self.client = StubTreq(self.x)
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))

    def bearer(
        self,
        key: Secret | None = KEY,
        secret: Secret | None = SECRET,
        given: Secret | None = None,
    ) -> Bearer:
        """A bearer token, to be bought unless it is given."""
        return Bearer(self.client, URL, key, secret, given, AGENT, self.clock, self.clock.seconds)

    def sells(self, token: str) -> None:
        """The next request is for a token, and gets this one."""
        self.x.will_say(200, {"token_type": "bearer", "access_token": token})

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [asked.path for asked in self.x.asked]
