"""
What a wish goes through: a person's hands at two pages, a real client, and the simulated Twitter.

Knows how each is started and asked; does not know what is measured.
"""

import json
import random
import re
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs

from benchmarks.livesite import LiveServer
from tcsandbox.twitter import SANDBOX_CREDENTIALS
from tests.faults.commands import RULE_DELAY, SCALE
from tests.long.processes import ending, listening, start, start_client

LONG = 60.0
PAUSE = 0.4, 0.7
"""Seconds before a click: a client polls for hints at most twice a second."""
RATE = 10.0
NO_SOCKETS = "window.WebSocket = class { constructor() { setTimeout(() => this.onclose(), 0) } }"
SEES = """([number, word]) => { window.seen = new Promise((done) => {
  const look = () => {
    const place = document.querySelector(`[data-of="${number}"][data-shows=state]`);
    if (!place || !place.innerText.startsWith(word)) return;
    observer.disconnect();
    done(Date.now() / 1000);
  };
  const observer = new MutationObserver(look);
  observer.observe(document.body, { subtree: true, childList: true, characterData: true });
  look();
}) }"""
CLICK = "(place) => { const now = Date.now() / 1000; setTimeout(() => place.click()); return now }"
"""Answers before the click: what is asked of a page that is left by it may never be answered."""


class Twitter:
    """The simulated one, with its journal."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._journal = folder / "journal"
        options = (f"--rate={RATE:g}", f"--scale={SCALE}", f"--rule-delay={RULE_DELAY / SCALE:g}")
        process = start("tcsandbox.twitter", "--port=0", *options, f"--journal={self._journal}")
        stack.enter_context(ending([process]))
        self.root = listening(process).partition("1.1/")[0]
        self._read = 0

    def has(self, since: float, *parts: str) -> float:
        """Return when an event was, since then, whose line has these parts; waits for it."""
        deadline = time.monotonic() + LONG
        while time.monotonic() < deadline:
            with self._journal.open() as lines:
                lines.seek(self._read)
                for line in iter(lines.readline, ""):
                    if not line.startswith("#"):
                        continue
                    event = json.loads(line[1:])
                    if event["time"] >= since and all(part in line for part in parts):
                        self._read = lines.tell()
                        return float(event["time"])
            time.sleep(0.005)
        raise SystemExit(f"Of {' '.join(parts)} nothing came.")


@attrs.define
class Client:
    """A real client, with the captures it has."""

    folder: Path
    captures: list[int]
    process: Any

    def last_event(self) -> float:
        """Return when the newest line of its ledger is of."""
        [ledger] = (self.folder / "data").glob("*/*.ledger.jsonl")
        newest = json.loads(ledger.read_text().splitlines()[-1])
        return datetime.fromisoformat(newest["at"]).timestamp()

    def unfinished(self) -> int:
        """Return how many files of posts have not got their final names."""
        return sum(1 for _ in (self.folder / "data").rglob("*.tmp"))


def client(
    folder: Path,
    server: LiveServer,
    root: str,
    who: tuple[int, str, list[int]],
    api: str,
    *,
    push: bool,
) -> Client:
    """Start one between a server and the Twitter at an address."""
    number, token, captures = who
    folder.mkdir()
    document: dict[str, Any] = {
        "server": {
            "base_url": f"http://127.0.0.1:{server.port}/api/",
            "client_id": number,
            "auth_token": token,
        },
        "twitter_auth": attrs.asdict(SANDBOX_CREDENTIALS),
        "twitter": {
            "api": api, "stream_url": f"{root}1.1/", "api_url": root, "rule_delay": RULE_DELAY
        },
        "output": {"base_dir": "data"},
    }  # fmt: skip
    if not push:
        document["server"]["push_url"] = None
    config = folder / "settings.json"
    config.write_text(json.dumps(document))
    return Client(folder, captures, start_client(folder, config))


class Hands:
    """What a person does at the first server, and sees at the other one."""

    def __init__(
        self, browser: Any, servers: Sequence[LiveServer], session: str, *, push: bool
    ) -> None:
        self._context = browser.new_context()
        self._context.set_default_timeout(LONG * 1000)
        self._context.add_cookies(
            [{"name": "sessionid", "value": session, "domain": "127.0.0.1", "path": "/"}]
        )
        if not push:
            self._context.add_init_script(NO_SOCKETS)
        here, there = (f"http://127.0.0.1:{one.port}/captures/" for one in servers)
        self._here = here
        self._acting, self._watching = self._context.new_page(), self._context.new_page()
        self._watching.goto(there)

    def close(self) -> None:
        """Close both pages."""
        self._context.close()

    def clicks(self, capture: int, act: str, word: str) -> tuple[float, float]:
        """Click on a button; returns when that was, and when the other page shows the word."""
        page = f"{self._here}{capture}/"
        if self._acting.url != page:
            self._acting.goto(page)
        time.sleep(random.uniform(*PAUSE))
        self._watching.evaluate(SEES, [capture, word])
        button = self._acting.locator(f'form[action$="/{act}/"] button')
        clicked = button.evaluate(CLICK)
        return clicked, float(self._watching.evaluate("window.seen"))

    def saves(self, capture: int, keywords: str) -> float:
        """Save new keywords; returns when that was."""
        self._acting.goto(f"{self._here}{capture}/edit/")
        self._acting.locator("[name=keywords]").fill(keywords)
        button = self._acting.get_by_role("button", name="Save")
        clicked = float(button.evaluate(CLICK))
        self._acting.wait_for_url(re.compile(r"/captures/\d+/$"))
        return clicked
