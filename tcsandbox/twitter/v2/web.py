"""The URLs of X API v2: which there are, by which methods, and what answers them."""

from collections.abc import Callable, Iterator

from twisted.web.server import Request

from tcsandbox.twitter.v2.answering import V2Request, read_v2_request
from tcsandbox.twitter.v2.desk import V2Desk
from tcsandbox.twitter.v2.opening import SAMPLE, SEARCH

Route = tuple[str, set[bytes], Callable[[Request], None]]


def routes(desk: V2Desk) -> Iterator[Route]:
    """Yield the path, the methods and the answering function of each URL."""
    yield "oauth2/token", {b"POST"}, _asked(desk.token)
    yield "oauth2/invalidate_token", {b"POST"}, _asked(desk.invalidate_token)
    yield "2/tweets/search/stream/rules", {b"GET", b"POST"}, _asked(desk.rules)
    yield "2/tweets/search/stream/rules/counts", {b"GET"}, _asked(desk.rule_counts)
    for endpoint in (SEARCH, SAMPLE):
        yield f"2/tweets/{endpoint}", {b"GET"}, _connecting(desk, endpoint)


def _asked(act: Callable[[Request, V2Request], None]) -> Callable[[Request], None]:
    return lambda request: act(request, read_v2_request(request))


def _connecting(desk: V2Desk, endpoint: str) -> Callable[[Request], None]:
    return lambda request: desk.connect(request, read_v2_request(request), endpoint)
