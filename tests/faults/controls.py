"""What can be asked of the sandbox's two ends, and done to them, over HTTP."""

import json
from typing import Any

from treq.client import HTTPClient
from twisted.internet import reactor
from twisted.web.client import Agent

from tcsandbox.server import TOKEN
from tests.faults.proxy import HOST


class Controls:
    """`ports` has those of "twitter" and "server"."""

    def __init__(self) -> None:
        self.ports: dict[str, int] = {}
        self._http = HTTPClient(Agent(reactor))

    def root(self, what: str) -> str:
        """The address of an end."""
        return f"http://{HOST}:{self.ports[what]}/"

    async def ask(self, method: str, url: str, body: bytes | None = None) -> Any:
        """The JSON in the answer to a researcher's request."""
        headers = {"Authorization": f"Token {TOKEN}", "Content-Type": "application/json"}
        response = await self._http.request(method, url, data=body, headers=headers, timeout=10)
        text = await response.text()
        if response.code != 200:
            raise AssertionError(f"{method} {url}: {response.code} {text}")
        return json.loads(text)

    async def twitter(self, control: str, body: bytes | None = None, **members: object) -> Any:
        """Have the simulated Twitter do something now."""
        data = json.dumps(members).encode() if body is None else body
        return await self.ask("POST", f"{self.root('twitter')}sandbox/{control}", data)

    async def server(self, control: str, **members: object) -> Any:
        """Have the stand-in server do something."""
        data = json.dumps(members).encode()
        return await self.ask("POST", f"{self.root('server')}sandbox/{control}", data)

    async def state(self, what: str) -> Any:
        """What an end of the sandbox tells about itself."""
        return await self.ask("GET", f"{self.root(what)}sandbox/state")

    async def attempts(self, since: float = 0.0) -> list[float]:
        """When the client asked for a stream since then."""
        connects = (await self.state("twitter"))["connects"]
        return [connect["time"] for connect in connects if connect["time"] >= since]

    async def write(self, **fields: object) -> None:
        """Change the job, as a researcher does."""
        data = json.dumps(fields).encode()
        await self.ask("PATCH", f"{self.root('server')}api/activejobs/1/", data)

    async def job(self) -> dict[str, Any]:
        """The job, as the server has it."""
        job, *_ = (await self.state("server"))["jobs"]
        return dict(job)
