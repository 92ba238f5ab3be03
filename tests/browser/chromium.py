"""Chromium and a site for tests; skips where there is no Chromium, and says so."""

import atexit
import os
import shutil
import subprocess
import sys
from asyncio import AbstractEventLoop, _set_running_loop, get_running_loop
from functools import cache
from pathlib import Path
from typing import Any, ClassVar
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

from tests.browser.demosite import PASSWORD

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
OPTIONS = ["--disable-quic", "--disable-background-networking", "--disable-component-update"]
OF_LEAVING = ("htmx:sendAbort", "htmx:afterRequest")
"""
What htmx says as an error where a page is left while a part of it is asked for; an answer that is
one, or none, has another name.
"""
WITHIN = 60_000
"""Milliseconds after which a page is given up; a loaded machine is slow."""
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@cache
def site() -> str:
    """
    Start a site with captures in each state, once in a process, at whose end it ends.  Return its
    address.
    """
    folder = Path("browser.site").absolute()
    folder.mkdir(mode=0o700)
    command = [sys.executable, "-m", "tests.browser.demosite", str(folder)]
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    server = subprocess.Popen(command, stdout=subprocess.PIPE, env=environ, text=True)
    atexit.register(server.communicate)
    atexit.register(server.terminate)
    assert server.stdout is not None
    word, port = server.stdout.readline().split()
    assert word == "port"
    return f"http://127.0.0.1:{port}"


@cache
def chromium() -> tuple[Any, AbstractEventLoop]:
    """
    Start Chromium, once in a process, at whose end it ends.  Return it, and the event loop by which
    it is driven, which counts as running in this thread.
    """
    from playwright.sync_api import sync_playwright

    playwright = sync_playwright().start()
    loop = get_running_loop()
    browser = playwright.chromium.launch(
        executable_path=CHROMIUM, args=OPTIONS, chromium_sandbox=False
    )

    def end() -> None:
        _set_running_loop(loop)
        browser.close()
        playwright.stop()

    atexit.register(end)
    return browser, loop


class BrowserCase(SynchronousTestCase):
    """Has the Chromium of this process; what a test opens there is closed after it."""

    logins: ClassVar[dict[tuple[str, str], Any]] = {}
    """What a browser keeps of a login, by site and person."""

    def setUp(self) -> None:
        if CHROMIUM is None:
            raise SkipTest("no Chromium here: apt install chromium")
        self.site = self.begin_site()
        # Django refuses to work where an event loop runs, as it would for the tests that follow.
        self.addCleanup(_set_running_loop, None)
        self.chromium, loop = chromium()
        _set_running_loop(loop)

    def begin_site(self) -> str:
        """The address of the site, which is begun if need be."""
        return site()

    def context(self, who: str | None = "rita", **options: Any) -> Any:
        """A browser of its own, in which a person has logged in."""
        options = {"viewport": DESKTOP, "base_url": self.site, "timezone_id": "UTC"} | options
        login = None if who is None else self.login(who)
        context = self.chromium.new_context(storage_state=login, **options)
        self.addCleanup(context.close)
        context.set_default_timeout(WITHIN)
        return context

    def login(self, who: str) -> Any:
        """What a browser keeps of it when a person has logged in, which each does once."""
        if (self.site, who) not in self.logins:
            context = self.context(None)
            page = context.new_page()
            page.goto("/login/")
            page.get_by_label("Username").fill(who)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Log in").click()
            page.wait_for_url("**/captures/")
            self.logins[self.site, who] = context.storage_state()
            context.close()
        return self.logins[self.site, who]

    def page(self, who: str | None = "rita", **options: Any) -> Any:
        """A page in a browser of its own; what scripts complain of fails the test."""
        page = self.context(who, **options).new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: self._note(complaints, said))
        self.addCleanup(lambda: self.assertEqual(complaints, []))
        return page

    def _note(self, complaints: list[str], said: Any) -> None:
        if said.type == "error" and not said.text.startswith(OF_LEAVING):
            complaints.append(said.text)
