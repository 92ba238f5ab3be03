"""Sends what a peer asks of X to the simulator."""

from typing import Any
from urllib.parse import urlsplit

import requests


def send_to(root: str) -> None:
    """From now on requests to any host go to the one below `root`."""
    request = requests.Session.request

    def rewritten(self: requests.Session, method: str, url: str, **options: Any) -> Any:
        return request(self, method, root + urlsplit(url).path.lstrip("/"), **options)

    requests.Session.request = rewritten  # type: ignore[method-assign]
