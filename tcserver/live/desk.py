"""
What sockets ask of the database, in threads of their own; each call is one turn of one thread.

Nothing here waits on the event loop, and no request of HTTP waits for this.
"""

import asyncio
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import ParamSpec, TypeVar

import attrs
from django.db import close_old_connections

from tcserver.captures.models import CaptureRecord
from tcserver.fleet.models import Token
from tcserver.fleet.services.sessions import current_sessions

P = ParamSpec("P")
T = TypeVar("T")
THREADS = 3
"""Calls that are worked on at once, and database connections that are kept for them."""


class Desk:
    """The threads."""

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="live")

    async def do(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a call returns, or raise what it raises."""

        def work() -> T:
            close_old_connections()
            try:
                return call(*args, **kwargs)
            finally:
                close_old_connections()

        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        """Take no more calls."""
        self._threads.shutdown(wait=False, cancel_futures=True)


@attrs.frozen
class Here:
    """A client's socket, as far as the database has to be asked for it; `jobs` are those told."""

    client: int
    token: int
    session: str
    jobs: frozenset[int]


@attrs.frozen
class LookedUp:
    """
    What there is to know: whether the token is still good and the session this one's, and the
    revisions of all captures of the client, and of those told that are not its own any more.
    """

    token_is_good: bool
    session_is_current: bool
    revisions: dict[int, int]
    lost: dict[int, int]


def look(sockets: Collection[Here]) -> list[LookedUp]:
    """Return what there is to know for each of these sockets, by four statements at most."""
    clients = {one.client for one in sockets}
    revisions: dict[int, dict[int, int]] = {client: {} for client in clients}
    own = CaptureRecord.objects.filter(client__in=clients, archived_at=None, deleted_at=None)
    for client, job, revision in own.values_list("client", "pk", "revision"):
        revisions[client][job] = revision
    gone = {job for one in sockets for job in one.jobs - revisions[one.client].keys()}
    lost = dict(CaptureRecord.objects.filter(pk__in=gone).values_list("pk", "revision"))
    good, current = _good_tokens({one.token for one in sockets}), current_sessions(clients)
    return [
        LookedUp(
            one.token in good,
            current.get(one.client) == one.session,
            revisions[one.client],
            {job: lost[job] for job in one.jobs & lost.keys() - revisions[one.client].keys()},
        )
        for one in sockets
    ]


def _good_tokens(tokens: Collection[int]) -> set[int]:
    rows = Token.objects.filter(pk__in=tokens, revoked_at=None, client__retired_at=None)
    now = datetime.now(UTC)
    return {
        token
        for token, expires in rows.values_list("pk", "expires_at")
        if expires is None or expires > now
    }
