"""
A capture server that takes states, hosts and ledgers, in memory; and a world with it.

It knows jobs as the stand-in does, with revisions, and fails as the test says.
"""

import hashlib
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from twisted.web.http_headers import Headers

from tcclient.captures.healthlog import LOOK
from tcclient.captures.poller import Intervals
from tcsandbox.server.negotiation import ApiRequest
from tcsandbox.server.restapi import ApiAnswer
from tests.scene import Clockwork, Line

KINDS = ("state/", "host/", "ledger/", "glimpses/")


class TakingLine(Line):
    """
    `offers` says whether the server takes what is new.  `states` has the newest one of each job,
    `ledgers` the bytes of each, `glimpses` what was shown; `looks` are the jobs that somebody looks
    at, and `fails` maps the beginning of a path to the answer that it gets.
    """

    offers = True
    retry_after = ""

    def __init__(self, *how: Any) -> None:
        super().__init__(*how)
        self.revisions: dict[int, int] = {}
        self.states: dict[int, dict[str, Any]] = {}
        self.hosts: list[dict[str, Any]] = []
        self.glimpses: list[dict[str, Any]] = []
        self.looks: list[int] = []
        self.ledgers: dict[str, bytearray] = {}
        self.jobs: dict[str, str | None] = {}
        self.fails: dict[str, ApiAnswer] = {}

    def of(self, kind: str) -> list[Any]:
        """Return the bodies of all requests of a kind so far."""
        return [one.body for one in self.seen if one.path.startswith(kind)]

    def _headers(self) -> Headers:
        headers = super()._headers()
        if self.offers:
            headers.setRawHeaders("TCC-Server", ["c0ffee"])
        if self.retry_after:
            headers.setRawHeaders("Retry-After", [self.retry_after])
        return headers

    def decoded(self, body: bytes | None) -> Any:
        try:
            return super().decoded(body)
        except ValueError:
            return body

    def work(self, asked: ApiRequest) -> ApiAnswer:
        path = asked.target.removeprefix("/api/")
        for beginning, answer in self.fails.items():
            if path.startswith(beginning):
                return answer
        if not (self.offers and path.startswith(KINDS)):
            return self._with_revisions(super().work(asked))
        if path.startswith("state/"):
            self.states |= {one["job"]: one for one in json.loads(asked.body)}
            return ApiAnswer(200, b'{"not_yours": []}')
        if path.startswith("host/"):
            self.hosts.append(json.loads(asked.body))
            return ApiAnswer(204)
        if path.startswith("glimpses/"):
            self.glimpses.append(json.loads(asked.body))
            return ApiAnswer(204)
        return self._append(urlsplit(path), asked)

    def _append(self, url: Any, asked: ApiRequest) -> ApiAnswer:
        name, query = url.path.split("/")[1], parse_qs(url.query)
        if asked.method == "GET":
            return _held(200, name, self.ledgers.get(name, b""), tail=100)
        held, offset = self.ledgers.setdefault(name, bytearray()), int(query["offset"][0])
        self.jobs.setdefault(name, query.get("job", [None])[0])
        if offset > len(held):
            return _held(409, name, held)
        held += asked.body[len(held) - offset :]
        return _held(200, name, held)

    def _with_revisions(self, answer: ApiAnswer) -> ApiAnswer:
        """Add how often people have changed each job, and to a list at which ones they look."""
        try:
            content = json.loads(answer.body)
        except ValueError:
            return answer
        jobs = content.get("results", [content]) if isinstance(content, dict) else []
        for job in jobs if self.offers else ():
            if "status" in job and "id" in job:
                job["revision"] = self.revisions.setdefault(job["id"], 1)
        if self.looks and "results" in content:
            content["looks"] = self.looks
        return ApiAnswer(answer.status, json.dumps(content).encode(), answer.content_type)


class TakingWorld(Clockwork):
    """A client of such a server, with a capture of cats that is to run."""

    line: TakingLine

    def __init__(self, test: Any, ping: float = 10.0) -> None:
        super().__init__(test, ping)
        self.intervals = Intervals(ping, 30.0)
        self.line = TakingLine(self.server, self.clock)
        self.store.create("cats", "cats, dogs", 2)

    def begin(self) -> None:
        """Have the client run, and the stream be heard."""
        self.start()
        self.connect()
        self.lives(LOOK + 1)

    def lives(self, seconds: float) -> None:
        """Let so much time pass while keep-alives come."""
        step = 0.25 if seconds < 300 else 1.0
        while seconds > 0:
            self.source.peer.says(b"\r\n")
            self.goes(min(seconds, 10.0), step)
            seconds -= 10.0

    def changes(self, job: int = 1) -> None:
        """Note that people have changed a job."""
        self.line.revisions[job] = self.line.revisions.get(job, 1) + 1

    def ledger(self, name: str = "cats") -> bytes:
        """Return all bytes of the ledger that is appended to now, if it has one file."""
        return (self.disk.base / name / f"{name}.ledger.jsonl").read_bytes()

    def ledger_id(self, name: str = "cats") -> str:
        """Return the id of the ledger that is appended to."""
        return str(json.loads(self.ledger(name).partition(b"\n")[0])["ledger"])


def _held(status: int, name: str, data: bytes, tail: int = 0) -> ApiAnswer:
    told: dict[str, Any] = {"ledger": name, "held": len(data)}
    if tail and data:
        last = data[-tail:]
        told |= {"tail": len(last), "sha256": hashlib.sha256(last).hexdigest()}
    return ApiAnswer(status, json.dumps(told).encode())
