"""
The server as an ASGI application: requests go to Django in its threads, sockets to real time.

Real time begins with whatever comes first, as requests have hints for other processes' sockets.
"""

import django
from django.conf import settings
from django.urls import get_resolver

from tcserver.bridge import DjangoInThreads, Message, Receive, Send

THREADS = 8
"""Requests that are worked on at once, and database connections that are kept for them."""

django.setup(set_prefix=False)
# What cannot be imported is found now, and not by whoever asks first.
get_resolver().url_patterns  # noqa: B018

from tcserver.live.application import Live  # noqa: E402 - tables are there after setup()


class Application:
    """Both together."""

    def __init__(self) -> None:
        self._requests = DjangoInThreads(THREADS, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        self._live: Live | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request, or serve a socket."""
        if self._live is None:
            self._live = Live()
        if scope["type"] == "websocket":
            await self._live(scope, receive, send)
        else:
            await self._requests(scope, receive, send)

    async def part(self) -> None:
        """Say goodbye at the sockets."""
        if self._live is not None:
            await self._live.close()


application = Application()
