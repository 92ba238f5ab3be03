"""Sends what a peer asks of Twitter to the generator, and ends the peer when the stream is over."""

from typing import Any
from urllib.parse import urlsplit

import requests


def send_to(root: str) -> None:
    """
    From now on requests to any host go to the one below `root`.  The second one for the stream,
    which the peer makes when the first has ended, ends the process.
    """
    request = requests.Session.request
    streams: list[str] = []

    def rewritten(self: requests.Session, method: str, url: str, **options: Any) -> Any:
        path = urlsplit(url).path.lstrip("/")
        if path.endswith(("filter.json", "search/stream")):
            if streams:
                raise SystemExit(0)
            streams.append(path)
        return request(self, method, root + path, **options)

    requests.Session.request = rewritten  # type: ignore[method-assign]
