"""The whole life of a capture as people see it, with a real client and a simulated X."""

import re
from pathlib import Path
from typing import Any

from tests.browser.chromium import WITHIN, BrowserCase
from tests.browser.realplace import Place, place

TYPO, MENDED = "coffee, geo: 7 50 8", "coffee, green tea"
ACTS = ["created", "answered", "re-keyed", "stopped", "answered", "archived", "unarchived"]


class LifeCase(BrowserCase):
    """Has the `place`; the client `lab` is its first one."""

    place: Place

    def begin_site(self) -> str:
        self.place = place()
        return self.place.site

    def comes(self, page: Any, text: str, where: str = "main") -> None:
        """Return once a text is there, for which a reader without JavaScript loads a page anew."""
        for _ in range(WITHIN // 250):
            if text in page.locator(where).inner_text():
                return
            page.wait_for_timeout(250)
            page.reload()
        self.fail(f"no {text!r} in: {page.locator(where).inner_text()}")

    def check_history(self, page: Any) -> None:
        """All that was done is there, in its order."""
        page.reload()
        page.get_by_role("link", name="All that happened").click()
        page.get_by_role("link", name="Acts").click()
        page.wait_for_url("**/events/?kind=acts")
        acts = page.locator("td[data-label=What]").all_text_contents()
        self.assertEqual([act.strip() for act in reversed(acts)], ACTS)


class ResearcherTests(LifeCase):
    def test_a_life(self) -> None:
        """
        Made with a typo that is seen and mended, started, watched, re-keyed, stopped, archived and
        taken out again: each page says it by itself, and what it says is on the disk.
        """
        page = self.page()
        page.goto("/captures/")
        page.get_by_role("link", name="New capture").click()
        page.get_by_label("Name").fill("a life")
        keywords = page.get_by_label("Keywords", exact=True)
        keywords.press_sequentially(TYPO, delay=5)
        page.get_by_text("1 term will be left out").wait_for()
        keywords.fill(MENDED)
        page.get_by_text("1 term will be left out").wait_for(state="hidden")
        page.get_by_label("Client").select_option("lab")
        page.locator(".rules", has_text="1,000").wait_for()
        page.get_by_role("button", name="Make and start").click()
        page.get_by_role("heading", name="a life").wait_for()
        page.locator(".big .state.good", has_text="running").wait_for()
        page.locator("#live-posts li").first.wait_for()
        for text in page.locator("#live-posts li").all_text_contents():
            self.assertRegex(text.lower(), "coffee|green|tea")
        page.locator(".facts dd", has_text=re.compile("^[1-9]")).first.wait_for()
        page.locator(".facts", has_text="estimated at US$0.005 a post").wait_for()

        page.get_by_role("link", name="Edit").click()
        page.get_by_label("Keywords", exact=True).fill("rain")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("re-keyed by rita").wait_for()
        page.locator(".steps .reached").nth(2).wait_for()
        self.comes(page, "from", "td[data-label='Posts came for them'] >> nth=0")

        page.get_by_text("Stop…").click()
        page.get_by_role("button", name="Stop", exact=True).click()
        page.get_by_text("was asked to stop").wait_for()
        page.locator(".big .state.idle", has_text="stopped").wait_for()
        stored = self.place.posts("a life")
        page.locator(".facts dd", has_text=re.compile(f"^{stored:,} ")).first.wait_for()
        self.assertGreater(stored, 0)
        self.assertEqual([*(self.place.folder / "data" / "a life").glob("*.tmp")], [])

        page.get_by_text("Archive…").click()
        page.get_by_role("button", name="Archive", exact=True).click()
        page.locator(".big .state.away", has_text="archived").wait_for()
        page.get_by_role("button", name="Unarchive").click()
        page.locator(".big .state.idle", has_text="stopped").wait_for()
        self.check_history(page)

    def test_without_javascript(self) -> None:
        """The same by reloading, and by the button that checks keywords."""
        page = self.context(java_script_enabled=False).new_page()
        page.goto("/captures/new/")
        page.get_by_label("Name").fill("plain")
        page.get_by_label("Client").select_option("lab")
        page.get_by_label("Keywords", exact=True).fill(TYPO)
        page.get_by_role("button", name="Check keywords").click()
        self.assertTrue(page.get_by_text("1 term will be left out").is_visible())
        page.get_by_label("Keywords", exact=True).fill(MENDED)
        page.get_by_role("button", name="Make and start").click()
        self.comes(page, "running", ".big")
        self.comes(page, "At most 5 a minute", "#posts")
        page.get_by_role("link", name="Edit").click()
        page.get_by_label("Keywords", exact=True).fill("rain")
        page.get_by_role("button", name="Save").click()
        self.comes(page, "re-keyed by rita")
        self.comes(page, "from", "td[data-label='Posts came for them'] >> nth=0")
        page.get_by_text("Stop…").click()
        page.get_by_role("button", name="Stop", exact=True).click()
        self.comes(page, "stopped", ".big")
        page.get_by_text("Archive…").click()
        page.get_by_role("button", name="Archive", exact=True).click()
        self.comes(page, "archived", ".big")
        page.get_by_role("button", name="Unarchive").click()
        self.comes(page, "stopped", ".big")
        self.check_history(page)

    def test_by_keyboard_alone(self) -> None:
        """All of it without a mouse, and what has the focus is always seen."""
        page = self.page(who=None)
        page.goto("/captures/")
        self.type_into(page, "Username", "rita")
        self.type_into(page, "Password", "correct horse")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Captures").wait_for()
        self.follow(page, "New capture")
        self.type_into(page, "Name", "by keys")
        self.type_into(page, "Keywords", MENDED)
        self.type_into(page, "Client", "lab")
        self.follow(page, "Make and start")
        page.locator(".big .state.good", has_text="running").wait_for()
        self.follow(page, "Edit")
        self.reach(page, "Keywords")
        page.keyboard.press("Control+A")
        page.keyboard.type("rain")
        self.follow(page, "Save")
        page.get_by_text("re-keyed by rita").wait_for()
        for act, word in (("Stop", "stopped"), ("Archive", "archived")):
            self.press(page, f"{act}…")
            self.follow(page, act)
            page.locator(".big .state", has_text=word).wait_for()
        self.follow(page, "Unarchive")
        page.locator(".big .state.idle", has_text="stopped").wait_for()
        self.check_history(page)

    def reach(self, page: Any, name: str) -> None:
        """Press Tab until what has this label or text has the focus."""
        found = "(e => (e.labels?.[0] ?? e).textContent.trim())(document.activeElement)"
        for _ in range(80):
            page.keyboard.press("Tab")
            if page.evaluate(found) == name:
                ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                self.assertEqual(ring, "solid", name)
                return
        self.fail(f"no Tab reaches {name!r} on {page.url}")

    def press(self, page: Any, name: str) -> None:
        """Reach something, and press Enter."""
        self.reach(page, name)
        page.keyboard.press("Enter")

    def follow(self, page: Any, name: str) -> None:
        """Reach something that leads to another page, and press Enter."""
        self.reach(page, name)
        with page.expect_navigation():
            page.keyboard.press("Enter")

    def type_into(self, page: Any, name: str, text: str) -> None:
        """Reach a field, and type."""
        self.reach(page, name)
        page.keyboard.type(text)


class OthersTests(LifeCase):
    def test_a_viewer_and_a_stranger(self) -> None:
        """One watches, posts too, and has nothing to press; to the other it is not there."""
        page = self.page()
        page.goto("/captures/new/")
        page.get_by_label("Name").fill("watched")
        page.get_by_label("Keywords", exact=True).fill("coffee")
        page.get_by_label("Client").select_option("lab")
        page.get_by_role("button", name="Make and start").click()
        page.get_by_role("heading", name="watched").wait_for()
        viewer = self.context("vera").new_page()
        viewer.goto("/captures/")
        viewer.get_by_role("link", name="watched").click()
        viewer.locator(".big .state.good", has_text="running").wait_for()
        viewer.locator("#live-posts li").first.wait_for()
        for name in ("Stop…", "Archive…", "Edit", "Copy", "Add note"):
            self.assertEqual(viewer.get_by_text(name, exact=True).count(), 0, name)
        self.assertEqual(viewer.goto(f"{page.url}edit/").status, 403)
        viewer.goto(page.url)
        stranger = self.context("otto").new_page()
        stranger.goto("/captures/")
        self.assertEqual(stranger.get_by_text("watched").count(), 0)
        for path in ("", "account/", "edit/"):
            self.assertEqual(stranger.goto(f"{page.url}{path}").status, 404, path)
        page.get_by_text("Stop…").click()
        page.get_by_role("button", name="Stop", exact=True).click()
        viewer.locator(".big .state.idle", has_text="stopped").wait_for()

    def test_an_administrator(self) -> None:
        """
        Makes a person, who chooses a password by the link, and a client, whose settings are
        downloaded once: a client that is started with them is here, and its token can be revoked.
        """
        page = self.page("admin")
        page.goto("/people/new/")
        page.get_by_label("Name").fill("nina")
        page.get_by_label("Project", exact=True).select_option("Captures")
        page.get_by_role("button").last.click()
        link = re.search(r"http\S+/choose/\S+", page.text_content("main"))[0]
        new = self.context(who=None).new_page()
        new.goto(link)
        for field in new.locator("input[type=password]").all():
            field.fill("battery staple 7")
        new.get_by_role("button", name="Save, and log in").click()
        new.get_by_role("link", name="New capture").wait_for()

        page.goto("/clients/")
        page.get_by_role("link", name="New client").click()
        page.get_by_label("Name").fill("second")
        for box in page.get_by_role("checkbox").all():
            box.check()
        page.get_by_role("button", name="Make it").click()
        with page.expect_download() as downloading:
            page.get_by_role("link", name="Download settings.json").click()
        self.assertEqual(downloading.value.suggested_filename, "settings.json")
        settings = Path(downloading.value.path()).read_text()
        self.assertEqual(settings, page.locator("pre").text_content())
        page.get_by_role("link", name="I have saved it").click()
        self.place.start_client(settings)
        page.locator(".big .state.good", has_text="here").wait_for()
        page.get_by_text("is connected since").wait_for()
        page.get_by_text("Revoke…").click()
        page.get_by_role("button", name="Revoke", exact=True).click()
        page.get_by_text("is refused from now on").wait_for()
        page.get_by_text("Not connected").wait_for()
