"""Each page in Chromium: with axe, on a narrow screen, without JavaScript, kept up to date."""

import json
import re
from importlib.resources import files
from typing import Any

from tests.browser.chromium import DESKTOP, PHONE, BrowserCase
from tests.browser.demosite import TOKEN
from tests.tcserver.reporters import ask

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
PAGES = (
    "/captures/",
    "/captures/?show=archive",
    "/captures/1/",
    "/captures/1/?span=all",
    "/captures/1/events/",
    "/captures/1/account/",
    "/captures/1/edit/",
    "/captures/new/",
    "/clients/",
    "/clients/1/",
    "/clients/new/",
    "/alerts/",
    "/alerts/channels/new/",
    "/alerts/channels/1/",
    "/alerts/channels/2/",
    "/projects/",
    "/projects/1/",
    "/people/",
    "/people/2/",
    "/people/new/",
    "/account/",
    "/account/keys/new/",
    "/password/",
    "/history/",
    "/about/",
    "/nowhere/",
)

REDRAWN = """new Promise((then) => {
  document.addEventListener("htmx:afterSettle", then, { once: true });
  document.body.dispatchEvent(new Event("refresh"));
}).then(() => true)"""
SHOWN = """[...document.querySelectorAll('[data-of="1"]:not([data-shows=contact])')]
.map((one) => [one.innerText, one.innerHTML])"""


class EachPageTests(BrowserCase):
    def test_without_barriers(self) -> None:
        """axe finds nothing on any page, light or dark, by mouse width or by phone."""
        found = []
        for scheme, size in (("light", DESKTOP), ("dark", PHONE)):
            page = self.context("admin", color_scheme=scheme, viewport=size).new_page()
            for path in PAGES:
                page.goto(path)
                page.evaluate(AXE)
                found += [
                    f"{path} {scheme}: {one['help']}: {one['nodes'][0]['html'][:200]}"
                    for one in page.evaluate("axe.run()")["violations"]
                ]
        self.assertEqual(found, [])

    def test_on_a_phone(self) -> None:
        """No page is wider than the screen."""
        page = self.context("admin", viewport=PHONE).new_page()
        for path in PAGES:
            page.goto(path)
            wide = page.evaluate("document.documentElement.scrollWidth")
            self.assertLessEqual(wide, PHONE["width"], path)

    def test_without_javascript(self) -> None:
        """Pages are complete; times are in UTC, and say so."""
        plain = self.context("admin", java_script_enabled=False).new_page()
        for path in ("/captures/", "/captures/1/", "/clients/1/"):
            self.assertIn("lab-1", plain.goto(path).text())
            self.assertTrue(plain.locator("h1").is_visible())
            self.assertIn("UTC", plain.locator("time[data-precise]").first.text_content())


class ByHandTests(BrowserCase):
    def test_a_typo_is_seen_and_mended(self) -> None:
        """What is wrong is said while one types, and goes when it is mended; then it is made."""
        page = self.page()
        page.goto("/captures/")
        page.get_by_role("link", name="New capture").click()
        page.get_by_label("Name").fill("typed")
        keywords = page.get_by_label("Keywords", exact=True)
        keywords.press_sequentially("tea, geo: 7 50 8", delay=5)
        page.get_by_text("1 term will be left out").wait_for()
        keywords.press_sequentially(" 51", delay=5)
        page.get_by_text("1 term will be left out").wait_for(state="hidden")
        self.assertTrue(page.get_by_role("img", name="Map of the boxes").is_visible())
        page.get_by_role("button", name="Make only").click()
        page.get_by_role("heading", name="typed").wait_for()
        self.assertIn("tea, geo: 7 50 8 51", page.text_content("main"))

    def test_keywords_without_javascript(self) -> None:
        """A button says the same, and makes nothing."""
        page = self.context(java_script_enabled=False).new_page()
        page.goto("/captures/new/")
        page.get_by_label("Keywords", exact=True).fill("tea, geo: 7 50 8")
        page.get_by_role("button", name="Check keywords").click()
        self.assertTrue(page.get_by_text("1 term will be left out").is_visible())

    def test_by_keyboard_alone(self) -> None:
        """Skip link, Stop, and the answer to its question: all is reached and done by keys."""
        page = self.page("admin")
        page.goto("/captures/3/")
        for key, expected in [
            ("Tab", "Skip to the content"),
            ("Enter", None),
            ("Tab", "Stop…"),
            ("Enter", None),
            ("Tab", "Stop"),
        ]:
            page.keyboard.press(key)
            if expected is not None:
                found = page.evaluate("document.activeElement.textContent")
                self.assertEqual(found, expected)
        page.keyboard.press("Enter")
        page.get_by_text("was asked to stop").wait_for()


class LiveTests(BrowserCase):
    def test_a_list_is_kept_up_to_date(self) -> None:
        """What a colleague does is seen without a reload; the focus stays where it is."""
        page, colleague = self.page(), self.page("admin")
        page.goto("/captures/")
        page.locator("#capture-1").focus()
        colleague.goto("/captures/7/")
        colleague.get_by_role("button", name="Start").click()
        page.locator("tr", has_text="draft").get_by_text("starting").wait_for()
        self.assertEqual(page.evaluate("document.activeElement.id"), "capture-1")

    def test_what_has_the_focus(self) -> None:
        """It keeps it when a part is drawn anew: whatever can have it there has a name."""
        page = self.page("admin")
        for path in ("/captures/", "/captures/?show=archive", "/captures/3/", "/captures/1/"):
            page.goto(path)
            nameless = page.locator("[data-watch] :is(a, button, select, summary):not([id])")
            html = nameless.evaluate_all("all => all.map((one) => one.outerHTML)")
            self.assertEqual(html, [], path)
        page.locator("#stop").click()
        page.locator("#stop-answer").focus()
        page.evaluate(REDRAWN)
        self.assertEqual(page.evaluate("document.activeElement.id"), "stop-answer")

    def test_what_a_socket_brings(self) -> None:
        """Is drawn as the server draws it, on both pages, without the part being asked for."""
        pages = [self.page(), self.page()]
        for page, path in zip(pages, ("/captures/", "/captures/1/"), strict=True):
            page.goto(path)
            page.route("**/captures/**", lambda route: route.fulfill(status=204))
        known: dict[str, Any] = {"job": 1, "revision": 2, "rate": 1500.0}
        for told in (
            {**known, "condition": "ok", "total": 9_000_001},
            {**known, "condition": "stall", "reason": "No byte & no <b>.", "total": 9_000_002},
            {**known, "condition": "quiet", "since": "2026-11-29T23:59:59Z", "total": 9_000_003},
            {**known, "condition": "ok", "rate": 0.0, "total": 9_000_004},
        ):
            status, _, body = ask(
                f"{self.site}/api/state/", TOKEN, json.dumps([told]).encode(), "PUT"
            )
            self.assertEqual(status, 200, body)
            for page in pages:
                page.get_by_text(f"{told['total']:,}").wait_for()
            for page in pages:
                again = page.context.new_page()
                again.goto(page.url)
                self.assertEqual(self.shown(page), self.shown(again), told)
                again.close()

    def shown(self, page: Any) -> list[list[str]]:
        """What a page has of capture 1, but for how long ago something was."""
        # At one moment: a part that is drawn anew in between has text without line ends.
        html = page.evaluate(SHOWN)
        return [[text, re.sub(r' datetime="[^"]*"|\n$', "", inner)] for text, inner in html]

    def test_the_buttons(self) -> None:
        """They are those of the newest state; a question that is open stays so."""
        page, colleague = self.page(), self.page("admin")
        page.goto("/captures/5/")
        page.locator("#archive").click()
        colleague.goto("/captures/5/")
        colleague.locator("#stop").click()
        colleague.get_by_role("button", name="Stop", exact=True).click()
        colleague.get_by_text("was asked to stop").wait_for()
        page.get_by_role("button", name="Start").wait_for()
        self.assertTrue(page.get_by_text("It is stopped at once and goes").is_visible())

    def test_without_a_socket(self) -> None:
        """A page says that it has none, and what a colleague does is there within seconds."""
        page, colleague = self.page(), self.page("admin")
        page.add_init_script(
            "window.WebSocket = class { constructor() { setTimeout(() => this.onclose(), 0) } }"
        )
        page.goto("/captures/")
        page.get_by_text("this page asks every 5 seconds").wait_for()
        colleague.goto("/captures/6/")
        colleague.locator("#stop").click()
        colleague.get_by_role("button", name="Stop", exact=True).click()
        colleague.get_by_text("was asked to stop").wait_for()
        page.locator("tr", has_text="strikes").get_by_text("stopp").wait_for()

    def test_ages(self) -> None:
        """How long ago something was goes on by itself, whether or not the server answers."""
        page = self.context().new_page()
        page.clock.install()
        page.goto("/captures/")
        age = page.locator("time[data-ago]", has_text="h ago").first
        hours = int(age.text_content().split()[0])
        # Or the server's clock, an hour behind, would come with a part.
        page.context.set_offline(True)
        page.clock.fast_forward(3_600_000)
        page.get_by_text(f"{hours + 1} h ago").first.wait_for()

    def test_a_session_that_has_ended(self) -> None:
        """Leads to the page to log in, not a log-in form in the middle of a list."""
        page = self.page()
        page.goto("/captures/")
        page.context.clear_cookies()
        page.wait_for_url("**/login/?next=/captures/")

    def test_a_server_that_does_not_answer(self) -> None:
        """Is said, and taken back once it answers."""
        page = self.context().new_page()
        page.goto("/captures/")
        page.context.set_offline(True)
        page.get_by_text("The server does not answer").wait_for()
        page.context.set_offline(False)
        page.get_by_text("The server does not answer").wait_for(state="hidden")

    def test_times(self) -> None:
        """Are in the reader's zone, in UTC when the reader wants that, and stay so."""
        page = self.page(timezone_id="Asia/Kathmandu")
        page.goto("/captures/")
        time = page.locator("#live-captures time[data-precise]").first
        utc = time.get_attribute("title").removesuffix(" UTC")[:16]
        self.assertNotEqual(time.text_content(), f"{utc} UTC")
        self.assertTrue(page.get_by_text("Times are in Asia/").is_visible())
        page.get_by_role("button", name="Show them in UTC").click()
        self.assertEqual(time.text_content(), f"{utc} UTC")
        page.reload()
        self.assertEqual(time.text_content(), f"{utc} UTC")
