"""The site of a run: its database, its folder, and its `tcserver up`, which may be restarted."""

import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from benchmarks.scene import free_port

STOPPING = 60.0
POSTGRES, REDIS = "postgres://postgres@127.0.0.1:5432/postgres", "redis://127.0.0.1:6379"
"""Where Debian's packages have them."""


class LiveServer:
    """One process, always at the same port."""

    def __init__(self) -> None:
        self.port = free_port()
        self.start()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def start(self) -> None:
        """Return once it serves."""
        command = [sys.executable, "-m", "tcserver", "up", "--listen", f"127.0.0.1:{self.port}"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        if re.search(r"http://127\.0\.0\.1:\d+/", self._process.stdout.readline()) is None:
            raise SystemExit("The server does not start.")

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Return once it has ended."""
        self._process.send_signal(number)
        self._process.wait(STOPPING)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def end(self) -> None:
        """Have it ended, whatever has become of it."""
        if self._process.poll() is None:
            self.stop(signal.SIGKILL)


@contextmanager
def database(url: str | None) -> Iterator[str | None]:
    """Make a database beside the one that is named, and drop it in the end; None is SQLite."""
    if url is None:
        yield None
        return
    name = f"tcc_benchmark_{secrets.token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def belong(folder: Path, url: str | None, redis: str | None = None) -> None:
    """Have this process and those that it starts be of the site in a folder."""
    places = {"DATABASE_URL": url, "REDIS_URL": redis}
    for name in places:
        os.environ.pop(name, None)
    os.environ |= {name: place for name, place in places.items() if place is not None}
    os.environ |= {"TCSERVER_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "tcserver.settings"}


@contextmanager
def serving(count: int) -> Iterator[list[LiveServer]]:
    """Have so many processes serve the site that this one belongs to."""
    with ExitStack() as stack:
        servers = []
        for _ in range(count):
            servers.append(LiveServer())
            stack.callback(servers[-1].end)
        yield servers


def session_of_an_administrator() -> str:
    """Return the cookie of a browser in which one has logged in; Django is set up."""
    from django.test import Client

    from tcserver.people.models import User

    browser = Client()
    browser.force_login(User.objects.get(is_superuser=True))
    return str(browser.cookies["sessionid"].value)
