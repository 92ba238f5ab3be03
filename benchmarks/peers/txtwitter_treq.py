"""
`txtwitter_treq.py ROOT FILE v1.1`: txTwitter's own protocol on treq's answer.

Its longest line is raised, which would otherwise end the connection at the first large post; lines
are written before it parses them, because it keeps none.
"""

import sys
from pathlib import Path
from typing import Any, BinaryIO

import treq
from twisted.internet import task
from twisted.internet.defer import Deferred
from txtwitter.streamservice import TwitterStreamProtocol


class Writing(TwitterStreamProtocol):
    MAX_LENGTH = 1 << 20

    def __init__(self, service: "Service", file: BinaryIO) -> None:
        super().__init__(service)
        self._file = file

    def lineReceived(self, line: bytes) -> None:
        if line:
            self._file.write(line + b"\n")
        super().lineReceived(line)


class Service:
    """What the protocol asks of txTwitter's service."""

    def __init__(self) -> None:
        self.over: Deferred[None] = Deferred()

    def delegate(self, message: Any) -> None:
        """Nothing more is done with a post."""

    def connection_lost(self, reason: object) -> None:
        self.over.callback(None)


async def main(file: BinaryIO) -> None:
    service = Service()
    url = f"{sys.argv[1]}1.1/statuses/filter.json"
    response = await treq.post(url, data={"track": "coffee"}, unbuffered=True)
    response.deliverBody(Writing(service, file))
    await service.over


with Path(sys.argv[2]).open("wb") as output:
    task.react(lambda reactor: Deferred.fromCoroutine(main(output)))
