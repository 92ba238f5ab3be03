"""The pages as browsers get them: who sees what, what forms do, and that nothing in them runs."""

import re
from typing import Any

from django.test import Client as Browser

from tcserver import middleware
from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.archive import archive
from tcserver.captures.services.edit import edit
from tcserver.fleet.models import Client, Token
from tcserver.fleet.services.clients import create_client, retire
from tcserver.history.models import HistoryEntry
from tests.tcserver.case import DatabaseCase, without_files
from tests.tcserver.world import PASSWORD, START

HOSTILE = "<script>alert(1)</script>\"'\u202e&amp;"


class PageCase(DatabaseCase):
    def setUp(self) -> None:
        super().setUp()
        self.browser = self.world.browser(self.world.rita)

    def get(self, path: str, status: int = 200) -> str:
        """A page that answers with this status."""
        got = self.browser.get(path)
        self.assertEqual(got.status_code, status, path)
        return str(got.content.decode())

    def post(self, path: str, form: str, status: int = 302, **fields: Any) -> Any:
        """What a form says that stands on the page `form`, sent to `path` with its token."""
        [token, *_] = re.findall(r'csrfmiddlewaretoken" value="(\w+)"', self.get(form))
        got = self.browser.post(path, fields | {"csrfmiddlewaretoken": token})
        self.assertEqual(got.status_code, status, got.content.decode())
        return got

    @property
    def demo(self) -> str:
        """The address of the capture demo."""
        return f"/captures/{self.world.demo.pk}/"

    @property
    def lab(self) -> str:
        """The address of client1."""
        return f"/clients/{self.world.client.pk}/"


class LoginTests(PageCase):
    def test_nobody(self) -> None:
        """Each page but the one to log in sends there, and back afterwards."""
        self.browser = Browser(enforce_csrf_checks=True)
        for path in (
            "/captures/",
            "/captures/new/",
            self.demo,
            "/clients/",
            self.lab,
            "/password/",
        ):
            got = self.browser.get(path)
            self.assertRedirects(got, f"/login/?next={path}")
        self.post("/login/", "/login/", username="rita", password=PASSWORD, next="/clients/")
        self.assertIn("client1", self.get("/clients/"))

    def test_a_button_of_nobody(self) -> None:
        """After the login comes the page that it stands on: what it asks for can only be sent."""
        self.browser = Browser()
        for referer, page in (
            ("http://testserver/captures/?show=archive", "/captures/%3Fshow%3Darchive"),
            ("http://elsewhere.example/clients/", "/captures/"),
            ("", "/captures/"),
        ):
            headers = {"Referer": referer}
            got = self.browser.post(f"{self.demo}stop/", headers=headers)
            self.assertRedirects(got, f"/login/?next={page}")

    def assertRedirects(self, got: Any, where: str) -> None:
        """It leads there."""
        self.assertEqual((got.status_code, got.headers.get("Location")), (302, where))

    def test_wrong(self) -> None:
        """The same for a wrong password, a person who is not there, and one who is inactive."""
        self.browser = Browser(enforce_csrf_checks=True)
        self.world.vera.is_active = False
        self.world.vera.save()
        said = set()
        for name, password in (("rita", "x"), ("nobody", "x"), ("vera", PASSWORD)):
            got = self.post("/login/", "/login/", 200, username=name, password=password)
            said.add(re.search(r"errorlist.*?</ul>", got.content.decode(), re.S)[0])
        self.assertEqual(len(said), 1)

    def test_no_form_without_its_token(self) -> None:
        for path in ("/login/", "/captures/new/", f"{self.demo}stop/", f"{self.lab}retire/"):
            self.assertEqual(self.browser.post(path, {}).status_code, 403, path)
        self.assertEqual(self.world.now(self.world.demo).wanted, "run")


class CaptureTests(PageCase):
    def test_a_life(self) -> None:
        """Make and start, edit, stop, archive, take out again, start."""
        fields = {"project": self.world.project.pk, "client": self.world.client.pk}
        told = {"name": "new", "keywords": "tea", "start": "", **fields}
        path = self.post("/captures/new/", "/captures/new/", **told).headers["Location"]
        self.assertIn("waiting", self.get(path))
        edited = {"name": "newer", "keywords": "tea, milk", "revision": 1, **fields}
        self.post(f"{path}edit/", f"{path}edit/", **edited)
        row = CaptureRecord.objects.get(name="newer")
        self.assertEqual(
            (row.keywords, row.status, row.created_by), ("tea, milk", 2, self.world.rita)
        )
        self.post(f"{path}stop/", path)
        self.post(f"{path}archive/", path)
        self.assertIn("newer is in the archive", self.get(path))
        self.assertNotIn("newer", self.get("/captures/"))
        self.assertIn("newer", self.get("/captures/?show=archive"))
        self.post(f"{path}unarchive/", path)
        self.post(f"{path}start/", path)
        acts = HistoryEntry.objects.filter(subject_number=row.pk, party_name="rita").order_by("pk")
        self.assertEqual(len({entry.request for entry in acts}), 6)
        self.assertEqual(
            [entry.act for entry in acts],
            ["created", "re-keyed", "stopped", "archived", "unarchived", "started"],
        )

    def test_what_cannot_be(self) -> None:
        """It is said beside the field, what was typed stays, and nothing is made."""
        fields = {"project": self.world.project.pk, "keywords": "tea"}
        for name, said in [
            ("demo", "There is a capture of this name already."),
            ("a/b", "A name has letters"),
            ("", "This field is required."),
            ("x" * 65, "at most 64 characters"),
        ]:
            got = self.post("/captures/new/", "/captures/new/", 200, name=name, **fields)
            self.assertIn(said, got.content.decode())
            self.assertIn("tea</textarea>", got.content.decode())
        other = {"client": self.world.stranger.pk, **fields}
        self.post("/captures/new/", "/captures/new/", 200, name="new", **other)
        self.assertEqual(CaptureRecord.objects.count(), 2)

    def test_two_who_edit(self) -> None:
        """The later one is shown what the earlier one has saved, and may save again."""
        typed = {"name": "demo", "project": self.world.project.pk, "client": self.world.client.pk}
        edit_it = f"{self.demo}edit/"
        self.post(edit_it, edit_it, keywords="tea", revision=1, **typed)
        self.assertIn("demo is saved.", self.get(self.demo))
        late = {"keywords": "milk", "description": "mine", **typed}
        said = self.post(edit_it, edit_it, 200, revision=1, **late).content.decode()
        self.assertIn("rita has changed this capture since you opened this page", said)
        self.assertIn("Keywords there: tea", said)
        self.assertIn("Description there: none", said)
        self.assertNotIn("Name there", said)
        self.assertIn("milk</textarea>", said)
        row = self.world.now(self.world.demo)
        self.assertEqual((row.keywords, row.description, row.revision), ("tea", None, 2))
        [shown] = re.findall(r'name="revision" value="(\d+)"', said)
        self.post(edit_it, edit_it, revision=shown, **late)
        self.assertEqual(self.world.now(row).keywords, "milk")

    def test_an_edit_that_cannot_be(self) -> None:
        """Nothing of it is written; one without the revision counts as outdated."""
        typed = {"name": "bare", "keywords": "tea", "project": self.world.project.pk, "client": ""}
        edit_it = f"{self.demo}edit/"
        self.post(edit_it, edit_it, 200, revision=1, **typed)
        typed["name"] = "demo"
        for revision in ("", "0", "9" * 40):
            said = self.post(edit_it, edit_it, 200, revision=revision, **typed).content.decode()
            self.assertIn("nothing was saved", said)
        row = self.world.now(self.world.demo)
        self.assertEqual((row.keywords, row.client), ("cats, dogs", self.world.client))

    def test_an_edit_leaves_the_client(self) -> None:
        """A retired client keeps its capture whatever else of that is edited."""
        retire(self.world.client.pk, self.world.act(self.world.admin))
        edit_it = f"{self.demo}edit/"
        self.assertIn(f'<option value="{self.world.client.pk}" selected>', self.get(edit_it))
        typed = {"name": "demo", "project": self.world.project.pk, "client": self.world.client.pk}
        revision = self.world.now(self.world.demo).revision
        self.post(edit_it, edit_it, keywords="tea", revision=revision, **typed)
        row = self.world.now(self.world.demo)
        self.assertEqual((row.keywords, row.client), ("tea", self.world.client))

    def test_an_archived_one_does_not_start(self) -> None:
        """A page that is older than the archiving still has the button."""
        archive(self.world.demo.pk, self.world.act(self.world.rita))
        self.post(f"{self.demo}start/", self.demo)
        self.assertIn("take it out of the archive first", self.get(self.demo))

    def test_nothing_there(self) -> None:
        """A first page that says what to do next, to each in their words."""
        for capture in (self.world.demo, self.world.bare):
            archive(capture.pk, self.world.act(self.world.rita))
        for person, words in [
            (self.world.admin, "Make a client"),
            (self.world.rita, "Make a capture"),
            (self.world.vera, "Have a researcher"),
        ]:
            self.browser = self.world.browser(person)
            page = self.get("/captures/")
            self.assertIn("What to do next", page)
            self.assertIn(words, page)
            self.assertEqual(page.count('<li class="done">'), 1)
        Token.objects.update(contact_at=START)
        self.assertEqual(self.get("/captures/").count('<li class="done">'), 2)

    def test_one_client(self) -> None:
        """Where there is no other one, a new capture is given to it unless one says otherwise."""
        chosen = f'<option value="{self.world.client.pk}" selected>'
        self.assertIn(chosen, self.get("/captures/new/"))
        create_client("another", [self.world.project.pk], self.world.act(self.world.admin))
        self.assertNotIn(chosen, self.get("/captures/new/"))


class ClientTests(PageCase):
    def setUp(self) -> None:
        super().setUp()
        self.browser = self.world.browser(self.world.admin)

    def test_a_token_is_shown_once(self) -> None:
        """With the settings that a client needs; no other page has it."""
        form = {"name": "lab", "projects": [self.world.project.pk]}
        page = self.post("/clients/new/", "/clients/new/", 200, **form).content.decode()
        [token] = re.findall(r"auth_token&quot;: &quot;([0-9a-f]{40})&quot;", page)
        client = Client.objects.get(name="lab")
        self.assertIn("http://testserver/api/", page)
        for path in ("/clients/", f"/clients/{client.pk}/"):
            self.assertNotIn(token, self.get(path))
        self.assertIn(f"{token[:8]}…", self.get(f"/clients/{client.pk}/"))

    def test_another_token_and_the_end_of_one(self) -> None:
        old = Token.objects.get(client=self.world.client)
        page = self.post(f"{self.lab}tokens/", self.lab, 200).content.decode()
        self.assertRegex(page, r"&quot;[0-9a-f]{40}&quot;")
        self.post(f"{self.lab}tokens/{old.pk}/revoke/", self.lab)
        self.assertEqual(Token.objects.filter(client=self.world.client, revoked_at=None).count(), 1)

    def test_retiring(self) -> None:
        self.post(f"{self.lab}retire/", self.lab)
        self.assertNotIn("client1", self.get("/clients/"))
        self.assertIn("client1", self.get(self.demo))


class RightTests(PageCase):
    """Owner, colleague, stranger, administrator: what each sees and does."""

    def test_reading(self) -> None:
        rita, vera, otto, admin = (
            self.world.browser(person)
            for person in (self.world.rita, self.world.vera, self.world.otto, self.world.admin)
        )
        for path, expected in [
            ("/captures/", (200, 200, 200, 200)),
            (self.demo, (200, 200, 404, 200)),
            ("/captures/new/", (200, 403, 200, 200)),
            (f"{self.demo}edit/", (200, 403, 404, 200)),
            ("/clients/", (200, 200, 200, 200)),
            (self.lab, (200, 200, 404, 200)),
            ("/clients/new/", (403, 403, 403, 200)),
            ("/captures/99999/", (404, 404, 404, 404)),
        ]:
            for browser, status in zip((rita, vera, otto, admin), expected, strict=True):
                self.assertEqual(browser.get(path).status_code, status, path)
        self.assertNotIn("demo", otto.get("/captures/").content.decode())
        self.assertNotIn("client1", otto.get("/clients/").content.decode())

    def test_writing(self) -> None:
        """Forms that a page of theirs would not have."""
        token = Token.objects.get(client=self.world.client)
        for path, expected in [
            (f"{self.demo}stop/", (302, 403, 404)),
            (f"{self.demo}archive/", (302, 403, 404)),
            (f"{self.demo}unarchive/", (302, 403, 404)),
            (f"{self.demo}edit/", (200, 403, 404)),
            (f"{self.lab}tokens/", (403, 403, 403)),
            (f"{self.lab}tokens/{token.pk}/revoke/", (403, 403, 403)),
            (f"{self.lab}retire/", (403, 403, 403)),
            ("/clients/new/", (403, 403, 403)),
        ]:
            for person, status in zip(
                (self.world.rita, self.world.vera, self.world.otto), expected, strict=True
            ):
                self.browser = self.world.browser(person)
                self.post(path, "/password/", status)


class HostileTests(PageCase):
    def test_values_are_shown_as_they_are(self) -> None:
        """In names of clients, keywords, descriptions and reasons, history included."""
        act = self.world.act(self.world.rita)
        edit(self.world.demo.pk, act, keywords=HOSTILE, description=HOSTILE)
        create_client(HOSTILE, [self.world.project.pk], act)
        CaptureRecord.objects.update(reason=HOSTILE, condition="waiting")
        Client.objects.update(version=HOSTILE, host=HOSTILE, host_reported_at=act.at)
        Token.objects.update(contact_agent=HOSTILE, contact_at=act.at)
        for path in ("/captures/", self.demo, f"{self.demo}edit/", "/clients/", self.lab):
            page = self.get(path)
            self.assertNotIn("<script", without_files(page), path)
            self.assertNotIn("alert(1)</script>\"'", page)

    def test_nothing_inline_nothing_from_elsewhere(self) -> None:
        """And each page says so to the browser."""
        for path in (
            "/captures/",
            self.demo,
            "/captures/new/",
            "/clients/",
            self.lab,
            "/password/",
        ):
            got = self.browser.get(path)
            policy = got.headers["Content-Security-Policy"]
            self.assertIn("default-src 'none'", policy)
            self.assertNotIn("unsafe", policy)
            page = without_files(got.content.decode())
            self.assertEqual(re.findall(r"<script|<style| style=| on[a-z]+=|javascript:", page), [])
            self.assertEqual(re.findall(r'(?:src|href|action)="(?!/|\?|#)', page), [])

    def test_a_strange_host(self) -> None:
        """It is refused; the log has a line for the first few names, however often they come."""
        self.patch(middleware, "_STRANGE", set())
        shown = {"Authorization": f"Token {self.world.token}", "Host": "evil.example"}
        with self.assertNoLogs("django.security"), self.assertLogs("tcserver.middleware") as said:
            self.assertEqual(Browser().get("/api/activejobs/", headers=shown).status_code, 400)
            for number in range(50):
                host = f"{number}.example"
                for _ in range(2):
                    got = self.browser.get("/captures/", HTTP_HOST=host)
                    self.assertEqual(got.status_code, 400)
        self.assertEqual(len(said.output), middleware.MOST_STRANGE)
        self.assertIn("'evil.example'", said.output[0])
