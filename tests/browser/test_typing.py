"""What a person has typed, in Chromium: kept while a session ends, and what is said of it."""

from typing import Any

from tests.browser.chromium import BrowserCase
from tests.browser.demosite import PASSWORD


class TypedTests(BrowserCase):
    def test_a_session_that_ends(self) -> None:
        """Whether page or button notices: after the login it all stands there again."""
        page = self.page()
        page.goto("/captures/new/")
        page.get_by_label("Name").fill("long work")
        page.context.clear_cookies(name="sessionid")
        page.get_by_label("Keywords", exact=True).fill("tea; milk")
        self.log_in(page)
        page.get_by_text("before you were logged out").wait_for()
        self.assertEqual(page.get_by_label("Name").input_value(), "long work")
        page.get_by_text("did you mean 2 terms?").first.wait_for()
        page.context.clear_cookies(name="sessionid")
        page.get_by_role("button", name="Make only").click()
        self.log_in(page)
        page.get_by_text("before you were logged out").wait_for()
        page.get_by_role("button", name="Make only").click()
        page.get_by_role("heading", name="long work").wait_for()
        page.goto("/captures/new/")
        self.assertEqual(page.get_by_label("Name").input_value(), "")

    def test_what_is_another_persons(self) -> None:
        """Nobody else who logs in there is shown it."""
        page = self.page()
        page.goto("/captures/new/")
        page.get_by_label("Name").fill("long work")
        page.context.clear_cookies(name="sessionid")
        page.get_by_role("button", name="Make only").click()
        self.log_in(page, "admin")
        page.get_by_role("heading", name="New capture").wait_for()
        self.assertEqual(page.get_by_label("Name").input_value(), "")
        self.assertEqual(page.evaluate("sessionStorage.typed ?? ''"), "")

    def log_in(self, page: Any, who: str = "rita") -> None:
        """Log in on the page that has come in the place of another."""
        page.get_by_label("Username").fill(who)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()

    def test_what_is_wrong(self) -> None:
        """The title says that something is, and the first field of which it is has the focus."""
        page = self.page()
        page.goto("/captures/new/")
        page.get_by_label("Name").fill("tea: 2026")
        page.get_by_role("button", name="Make only").click()
        page.get_by_text("A name has letters").wait_for()
        self.assertEqual(page.title(), "Error: New capture · tcc")
        self.assertEqual(page.evaluate("document.activeElement.name"), "name")

    def test_what_is_wrong_with_all_of_it(self) -> None:
        """What is no field's fault has the focus itself."""
        page, colleague = self.page(), self.page("admin")
        for one in (page, colleague):
            one.goto("/captures/7/edit/")
            one.get_by_label("Description").fill("typed at once")
        colleague.get_by_role("button", name="Save").click()
        colleague.get_by_text("is saved").wait_for()
        page.get_by_role("button", name="Save").click()
        page.get_by_text("so nothing was saved").wait_for()
        self.assertEqual(page.evaluate("document.activeElement.className"), "errorlist nonfield")

    def test_enter_in_a_field(self) -> None:
        """Makes the capture; that it starts, and is billed, takes the button that says so."""
        page = self.page()
        page.goto("/captures/new/")
        page.get_by_label("Name").fill("by enter")
        page.get_by_label("Name").press("Enter")
        page.get_by_role("heading", name="by enter").wait_for()
        page.get_by_text("not started").first.wait_for()

    def test_a_planned_time(self) -> None:
        """It is in UTC; what that is in the reader's own zone stands beside it, and no other."""
        page = self.page(timezone_id="Asia/Kathmandu")
        page.goto("/captures/new/")
        page.get_by_label("Stop at (UTC)").fill("2026-12-24T20:00")
        page.get_by_text("2026-12-25 01:45 in Asia/Katmandu").wait_for()
        self.assertFalse(page.get_by_text("Times are in").is_visible())
