"""
A load of clients that report to a server, by real requests, and account for what they are told.

Knows what a server may answer while its database cannot be used; knows no database.
"""

import json
import threading
import urllib.error
import urllib.request
from collections import Counter
from email.message import Message
from itertools import count
from typing import Any

THREADS = 6


def ask(url: str, token: str, body: bytes | None = None, method: str | None = None) -> Any:
    """Status, headers and body of an answer, whatever it is."""
    headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as got:
            return got.status, got.headers, got.read()
    except urllib.error.HTTPError as e:
        with e:
            return e.code, e.headers, e.read()


class Reporters:
    """
    Threads that send updates on one job, each with a total of its own, and its ledger.

    `accepted` has the totals that the server has said it has; `statuses` what it said at all.
    """

    def __init__(self, api: str, token: str, job: int) -> None:
        self._api, self._token, self._job = api, token, job
        self._numbers = count(1)
        self._over = threading.Event()
        self.statuses: Counter[int] = Counter()
        self.accepted: list[int] = []
        self.wrong: list[object] = []
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(THREADS)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Have them end, and wait for that."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def missing(self) -> set[int]:
        """The totals that were accepted and that the server does not have."""
        stored, url = set(), f"{self._api}update/?limit=1000"
        while url:
            status, _, body = ask(url, self._token)
            assert status == 200, body
            page = json.loads(body)
            stored |= {row["total_count"] for row in page["results"]}
            url = page["next"]
        return {*self.accepted} - stored

    def _run(self, thread: int) -> None:
        held = 0
        try:
            while not self._over.is_set():
                number = next(self._numbers)
                told = {"job": self._job, "count": 1, "total_count": number}
                if self._answered("update/", json.dumps(told).encode(), "POST", 201) is not None:
                    self.accepted.append(number)
                target = f"ledger/t{thread}/?offset={held}&job={self._job}"
                body = self._answered(target, b"x" * 30_000, "PUT", 200)
                if body is not None:
                    held = json.loads(body)["held"]
        except OSError as e:
            self.wrong.append(e)

    def _answered(self, target: str, body: bytes, method: str, well: int) -> bytes | None:
        """The body of an answer with this status; None of a 503; any other is wrong."""
        status, headers, content = ask(self._api + target, self._token, body, method)
        self.statuses[status] += 1
        if status == well:
            return bytes(content)
        if status != 503 or not _says_when(headers, content):
            self.wrong.append((status, content))
            self._over.set()
        self._over.wait(0.05)
        return None


def _says_when(headers: Message, content: bytes) -> bool:
    return headers["Retry-After"] == "5" and [*json.loads(content)] == ["detail"]
