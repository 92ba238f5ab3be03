"""The pages of people, projects and one's own account: who sees what, and what forms do."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import Any

from django.db import connection
from django.test import Client as Browser
from django.test import override_settings
from django.utils import timezone

from tcserver.history.acts import by_server
from tcserver.history.models import Concerned, HistoryEntry
from tcserver.people.models import ApiKey, Membership, Project, Role, User
from tcserver.people.services.people import (
    LastAdministrator,
    create_person,
    deactivate,
    give_role,
    make_no_administrator,
)
from tests.tcserver.case import CommittedCase, without_files
from tests.tcserver.test_website import HOSTILE, PageCase
from tests.tcserver.world import PASSWORD, START

GOOD = "a long walk home"


class PeopleCase(PageCase):
    def setUp(self) -> None:
        super().setUp()
        self.browser = self.world.browser(self.world.admin)
        self.rita = f"/people/{self.world.rita.pk}/"
        self.project = f"/projects/{self.world.project.pk}/"

    def acts(self, subject: Concerned, number: int) -> list[tuple[str, str]]:
        """What was done to something, and by whom, the oldest first."""
        rows = HistoryEntry.objects.filter(subject=subject, subject_number=number).order_by("pk")
        return [(row.act, row.party_name) for row in rows]

    def link_on(self, got: Any) -> str:
        """The path of the link that a page shows."""
        [path] = re.findall(r"http://testserver(/choose/[^<]+)", got.content.decode())
        return str(path)

    def follow(self, browser: Browser, path: str, status: int = 200) -> Any:
        """The page that a link leads to."""
        got = browser.get(path, follow=True)
        self.assertEqual(got.status_code, status)
        return got

    def choose(self, browser: Browser, path: str, password: str) -> Any:
        """What choosing a password by a link answers."""
        got = self.follow(browser, path)
        [token, *_] = re.findall(r'csrfmiddlewaretoken" value="(\w+)"', got.content.decode())
        twice = {"new_password1": password, "new_password2": password}
        return browser.post(got.request["PATH_INFO"], {**twice, "csrfmiddlewaretoken": token})

    def key_of(self, **fields: Any) -> str:
        """The key that the form of a new one shows."""
        form = {"name": "plots", "access": "read", "days": 30} | fields
        page = self.post("/account/keys/new/", "/account/keys/new/", 200, **form).content.decode()
        [key] = set(re.findall(r"\b[0-9a-f]{40}\b", page))
        return str(key)


class NewPersonTests(PeopleCase):
    def made(self, **fields: Any) -> str:
        """The link of a new person."""
        form = {"name": "nina", "project": self.world.project.pk, "role": "viewer"} | fields
        return self.link_on(self.post("/people/new/", "/people/new/", 200, **form))

    def test_a_link_by_which_to_choose_a_password(self) -> None:
        """It works once; then the person is logged in, and has the role."""
        path, browser = self.made(), Browser(enforce_csrf_checks=True)
        nina = User.objects.get(username="nina")
        self.assertFalse(nina.has_usable_password())
        self.assertEqual(nina.memberships.get().role, Role.VIEWER)
        got = self.choose(browser, path, GOOD)
        self.assertEqual((got.status_code, got.headers["Location"]), (302, "/captures/"))
        self.assertIn("demo", browser.get("/captures/").content.decode())
        self.assertTrue(User.objects.get(pk=nina.pk).check_password(GOOD))
        said = self.follow(Browser(), path).content.decode()
        self.assertIn("works no more", said)
        self.assertNotIn("<form", said.split("<main")[1])
        self.assertEqual(
            self.acts(Concerned.PERSON, nina.pk),
            [
                ("created", "admin"),
                ("role given", "admin"),
                ("link made", "admin"),
                ("password chosen", "nina"),
            ],
        )

    def test_what_is_no_link(self) -> None:
        """Too old, of an inactive person, replaced by another, or never one."""
        path = self.made()
        nina = User.objects.get(username="nina")
        for other in (
            path[:-2] + "x/",
            "/choose/OTk5OTk/x-y/",
            "/choose/!/x/",
            f"/choose/{'9' * 90}/x/",
        ):
            self.assertIn("works no more", self.follow(Browser(), other).content.decode())
        newer = self.link_on(self.post(f"/people/{nina.pk}/link/", f"/people/{nina.pk}/", 200))
        self.assertIn("works no more", self.follow(Browser(), path).content.decode())
        with override_settings(PASSWORD_RESET_TIMEOUT=-1):
            self.assertIn("works no more", self.follow(Browser(), newer).content.decode())
        self.assertIn("Choose your password", self.follow(Browser(), newer).content.decode())
        deactivate(nina.pk, self.world.act(self.world.admin))
        self.assertIn("works no more", self.follow(Browser(), newer).content.decode())
        self.post(f"/people/{nina.pk}/link/", f"/people/{nina.pk}/", 404)

    def test_a_forgotten_password(self) -> None:
        """The old one is valid until the new one is chosen; other browsers then log in again."""
        rita = self.world.browser(self.world.rita)
        path = self.link_on(self.post(f"{self.rita}link/", self.rita, 200))
        self.assertEqual(rita.get("/captures/").status_code, 200)
        self.choose(Browser(enforce_csrf_checks=True), path, GOOD)
        self.assertEqual(rita.get("/captures/").status_code, 302)

    def test_a_password_that_is_none(self) -> None:
        got = self.choose(Browser(enforce_csrf_checks=True), self.made(), "nina")
        self.assertIn("too short", got.content.decode())
        self.assertFalse(User.objects.get(username="nina").has_usable_password())

    def test_names_that_cannot_be(self) -> None:
        form = {"project": "", "role": "viewer"}
        for name, said in [
            ("RITA", "of this name already"),
            ("a b", "valid username"),
            ("", "req"),
        ]:
            got = self.post("/people/new/", "/people/new/", 200, name=name, **form)
            self.assertIn(said, got.content.decode())
        self.assertEqual(User.objects.count(), 4)


class PersonTests(PeopleCase):
    def test_who_goes_and_comes_back(self) -> None:
        """Sessions and keys open nothing meanwhile."""
        rita, key = self.world.browser(self.world.rita), self.world.key(self.world.rita)
        shown = {"Authorization": f"Token {key}"}
        self.post(f"{self.rita}deactivate/", self.rita)
        self.assertEqual(rita.get("/captures/").status_code, 302)
        self.assertEqual(Browser().get("/api/jobs/", headers=shown).status_code, 403)
        self.assertIn("inactive", self.get("/people/"))
        self.post(f"{self.rita}deactivate/", self.rita)
        self.post(f"{self.rita}activate/", self.rita)
        self.assertEqual(Browser().get("/api/jobs/", headers=shown).status_code, 200)
        acts = self.acts(Concerned.PERSON, self.world.rita.pk)
        self.assertEqual(acts[2:], [("deactivated", "admin"), ("activated", "admin")])

    def test_administrators(self) -> None:
        """One more, who then takes the flag from the first."""
        admin = f"/people/{self.world.admin.pk}/"
        self.post(f"{self.rita}promote/", self.rita)
        self.browser = self.world.browser(self.world.rita)
        self.post(f"{admin}demote/", admin)
        self.world.admin.refresh_from_db()
        self.assertEqual((self.world.admin.is_superuser, self.world.admin.is_staff), (False, False))
        self.post(f"{self.rita}demote/", self.rita)
        self.assertIn("last administrator", self.get(self.rita))

    def test_the_last_administrator_stays(self) -> None:
        """Those who cannot log in, or have no password yet, do not count."""
        act = self.world.act(self.world.admin)
        create_person("soon", None, act, administrator=True)
        gone = create_person("gone", PASSWORD, act, administrator=True)
        deactivate(gone.pk, act)
        before = HistoryEntry.objects.count()
        for service in (deactivate, make_no_administrator):
            self.assertRaises(LastAdministrator, service, self.world.admin.pk, act)
        self.assertEqual(HistoryEntry.objects.count(), before)
        make_no_administrator(gone.pk, act)


class TwoAdministratorsTests(CommittedCase):
    def removed(self, ready: Barrier, person: User) -> User | None:
        """Deactivate a person when the other thread does too; return who has to stay."""
        try:
            ready.wait()
            deactivate(person.pk, by_server(START))
        except LastAdministrator:
            return person
        finally:
            connection.close()
        return None

    def test_they_remove_each_other(self) -> None:
        """At the same time: one of them stays, each time."""
        act = by_server(START)
        for number in range(5):
            User.objects.update(is_superuser=False)
            pair = [
                create_person(f"{name}{number}", PASSWORD, act, administrator=True)
                for name in ("ann", "bea")
            ]
            with ThreadPoolExecutor(2) as threads:
                found = [*threads.map(partial(self.removed, Barrier(2)), pair)]
            refused = [one.pk for one in found if one is not None]
            left = User.objects.filter(is_superuser=True, is_active=True)
            self.assertEqual([one.pk for one in left], refused)
            self.assertEqual(len(refused), 1)


class ProjectTests(PeopleCase):
    def test_a_life(self) -> None:
        """Make one, rename it, put people and a client into it, take a person out."""
        new = self.post("/projects/new/", "/projects/new/", name="Tea").headers["Location"]
        self.post(f"{new}edit/", f"{new}edit/", name="Tea and milk")
        self.post(f"{new}members/", new, person=self.world.otto.pk, role="researcher")
        self.post(f"{new}members/", new, person=self.world.otto.pk, role="viewer")
        page = self.get(new)
        self.assertIn("otto is viewer in Tea and milk", page)
        self.assertIn("role given: otto", page)
        self.assertIn("role given: Tea and milk", self.get(f"/people/{self.world.otto.pk}/"))
        number = Project.objects.get(name="Tea and milk").pk
        both = [self.world.project.pk, number]
        self.post(f"{self.lab}projects/", f"{self.lab}projects/", projects=both)
        self.assertIn("client1", self.get(new))
        self.post(f"{new}members/", new, person=self.world.otto.pk, role="")
        self.assertFalse(Membership.objects.filter(project=number).exists())
        rows = HistoryEntry.objects.filter(project_number=number).order_by("pk")
        self.assertEqual(
            [(row.act, row.after) for row in rows],
            [
                ("created", {"name": "Tea"}),
                ("renamed", {"name": "Tea and milk"}),
                ("role given", {"role": "researcher"}),
                ("role given", {"role": "viewer"}),
                ("role given", {"role": None}),
            ],
        )

    def test_what_cannot_be(self) -> None:
        for path in ("/projects/new/", f"{self.project}edit/"):
            got = self.post(path, path, 200, name="Other")
            self.assertIn("There is a project of this name already.", got.content.decode())
        for person, role in ((self.world.otto.pk, "king"), (99999, "viewer"), ("x", "viewer")):
            self.post(f"{self.project}members/", self.project, person=person, role=role)
            self.assertIn("Nothing was changed", self.get(self.project))
        self.assertEqual(Membership.objects.filter(project=self.world.project).count(), 2)


class AccountTests(PeopleCase):
    def setUp(self) -> None:
        super().setUp()
        self.browser = self.world.browser(self.world.rita)

    def test_another_password(self) -> None:
        """This browser stays logged in, others do not."""
        other = self.world.browser(self.world.rita)
        twice = {"new_password1": GOOD, "new_password2": GOOD}
        got = self.post("/password/", "/password/", 200, old_password="x", **twice)
        self.assertIn("incorrect", got.content.decode())
        self.post("/password/", "/password/", old_password=PASSWORD, **twice)
        self.assertIn("Your password is changed.", self.get("/account/"))
        self.assertEqual(other.get("/account/").status_code, 302)
        acts = self.acts(Concerned.PERSON, self.world.rita.pk)
        self.assertEqual(acts[-1], ("password chosen", "rita"))

    def test_keys(self) -> None:
        """Shown once; one reads, the other writes too; revoked, it opens nothing."""
        name = json.dumps({"description": "told"})
        target, answers = f"/api/jobs/{self.world.demo.pk}/", []
        for access in ("read", "write"):
            key = self.key_of(access=access)
            self.assertNotIn(key, self.get("/account/"))
            self.assertIn(f"{key[:8]}…", self.get("/account/"))
            shown = {"Authorization": f"Token {key}"}
            for method in ("GET", "PATCH"):
                got = Browser().generic(method, target, name, "application/json", headers=shown)
                answers.append(got.status_code)
        self.assertEqual(answers, [200, 403, 200, 200])
        made = ApiKey.objects.latest("pk")
        self.assertEqual(made.expires_at, made.created_at + timedelta(days=30))
        self.post(f"/account/keys/{made.pk}/revoke/", "/account/")
        self.assertEqual(Browser().get(target, headers=shown).status_code, 403)
        self.assertIn("revoked", self.get("/account/"))
        acts = self.acts(Concerned.KEY, made.pk)
        self.assertEqual(acts, [("key issued", "rita"), ("key revoked", "rita")])

    def test_a_key_that_has_expired(self) -> None:
        shown = {"Authorization": f"Token {self.key_of()}"}
        ApiKey.objects.update(expires_at=timezone.now())
        self.assertEqual(Browser().get("/api/jobs/", headers=shown).status_code, 403)
        self.assertIn("expired", self.get("/account/"))

    def test_keys_of_others(self) -> None:
        """An administrator ends them; a colleague does not, and to a stranger there are none."""
        self.key_of(name="plots of rita")
        path = f"/account/keys/{ApiKey.objects.get().pk}/revoke/"
        for person, status in ((self.world.vera, 403), (self.world.otto, 404)):
            self.browser = self.world.browser(person)
            self.post(path, "/account/", status)
            self.assertNotIn("plots of rita", self.get("/account/"))
        self.browser = self.world.browser(self.world.vera)
        self.assertNotIn("plots of rita", self.get(self.rita))
        self.assertIsNone(ApiKey.objects.get().revoked_at)
        self.browser = self.world.browser(self.world.admin)
        self.assertIn("plots of rita", self.get(self.rita))
        self.assertEqual(self.post(path, self.rita).headers["Location"], self.rita)
        self.assertIsNotNone(ApiKey.objects.get().revoked_at)


class PeopleRightTests(PeopleCase):
    """Researcher, viewer, stranger, administrator, nobody."""

    def test_reading(self) -> None:
        world = self.world
        people = (world.rita, world.vera, world.otto, world.admin, None)
        for path, expected in [
            ("/people/", (200, 200, 200, 200, 302)),
            (self.rita, (200, 200, 404, 200, 302)),
            ("/people/99999/", (404, 404, 404, 404, 302)),
            ("/people/new/", (403, 403, 403, 200, 302)),
            ("/projects/", (200, 200, 200, 200, 302)),
            (self.project, (200, 200, 404, 200, 302)),
            (f"{self.project}edit/", (403, 403, 404, 200, 302)),
            ("/projects/99999/", (404, 404, 404, 404, 302)),
            ("/projects/new/", (403, 403, 403, 200, 302)),
            (f"{self.lab}projects/", (403, 403, 403, 200, 302)),
            ("/account/", (200, 200, 200, 200, 302)),
            ("/account/keys/new/", (200, 200, 200, 200, 302)),
            ("/password/", (200, 200, 200, 200, 302)),
        ]:
            for person, status in zip(people, expected, strict=True):
                got = self.world.browser(person).get(path)
                self.assertEqual(got.status_code, status, (path, person))

    def test_who_makes_people(self) -> None:
        """Whoever may not is told who does."""
        for person, is_told in ((self.world.rita, True), (self.world.admin, False)):
            page = self.world.browser(person).get("/people/").content.decode()
            self.assertEqual("an administrator makes: admin." in page, is_told)

    def test_writing(self) -> None:
        """Forms that a page of theirs would not have; nothing is written."""
        before = HistoryEntry.objects.count()
        acts = [f"{self.rita}{act}/" for act in ("deactivate", "activate", "promote", "demote")]
        for path, expected in [
            *((path, (403, 403, 404)) for path in (*acts, f"{self.rita}link/")),
            ("/people/new/", (403, 403, 403)),
            ("/projects/new/", (403, 403, 403)),
            (f"{self.project}edit/", (403, 403, 404)),
            (f"{self.project}members/", (403, 403, 404)),
            (f"{self.lab}projects/", (403, 403, 403)),
        ]:
            people = (self.world.rita, self.world.vera, self.world.otto)
            for person, status in zip(people, expected, strict=True):
                self.browser = self.world.browser(person)
                self.post(path, "/password/", status, name="x", person=person.pk, role="viewer")
        self.assertEqual(HistoryEntry.objects.count(), before)

    def test_only_what_both_know_of(self) -> None:
        """A colleague sees neither other projects of a person's, nor keys, nor history."""
        give_role(self.world.rita, self.world.other.pk, Role.VIEWER, by_server(START))
        self.browser = self.world.browser(self.world.vera)
        for path in (self.rita, "/people/", "/projects/"):
            page = self.get(path)
            self.assertNotIn("Other", page, path)
            self.assertNotIn("otto", page, path)
        self.assertNotIn('id="history"', self.get(self.rita))
        self.browser = self.world.browser(self.world.otto)
        self.assertIn("Other", self.get(self.rita))
        self.assertNotIn('in <a href="/projects/1/', self.get(self.rita))

    def test_nothing_runs(self) -> None:
        """Whatever names there are, and on each page nothing inline, nothing from elsewhere."""
        Project.objects.filter(pk=self.world.project.pk).update(name=HOSTILE)
        User.objects.filter(pk=self.world.rita.pk).update(username=HOSTILE)
        self.world.key(self.world.rita)
        ApiKey.objects.update(name=HOSTILE)
        for path in (
            "/people/",
            self.rita,
            "/people/new/",
            "/projects/",
            self.project,
            f"{self.project}edit/",
            "/account/",
            "/account/keys/new/",
            f"{self.lab}projects/",
        ):
            page = without_files(self.get(path))
            self.assertNotIn("alert(1)</script>\"'", page)
            found = re.findall(r"<script|<style| style=| on[a-z]+=|javascript:", page)
            self.assertEqual(found, [], path)
            self.assertEqual(re.findall(r'(?:src|href|action)="(?!/|\?|#)', page), [])
