"""What pages say of captures whose client does not answer: it is retired, new, or not so far."""

from django.test import Client as Browser

from tcserver.captures.services.report import answer
from tcserver.captures.services.stop import stop
from tcserver.fleet.services.clients import retire
from tcserver.history.acts import Act, Party
from tests.tcserver.test_website import PageCase


class AnswerCase(PageCase):
    """The administrator's browser, and a client that says how the capture demo is."""

    def setUp(self) -> None:
        super().setUp()
        self.browser = self.world.browser(self.world.admin)

    def answer(self, status: int) -> None:
        """Have client1 tell this status of the capture."""
        client, at = self.world.client, self.world.act(self.world.rita, 1).at
        answer(self.world.demo.pk, client.pk, status, {}, Act(Party.CLIENT, client.pk, "", at))

    def stop(self) -> None:
        """Have rita ask for its end."""
        stop(self.world.demo.pk, self.world.act(self.world.rita, 20))


class RetiredTests(AnswerCase):
    def setUp(self) -> None:
        super().setUp()
        self.answer(3)

    def retire(self) -> None:
        """Have client1 come no more."""
        retire(self.world.client.pk, self.world.act(self.world.admin, 10))

    def test_one_that_is_to_run(self) -> None:
        """Its page and the list say what is wrong and what to do, whatever was reported."""
        self.retire()
        for path in (self.demo, "/captures/"):
            page = self.get(path)
            self.assertIn("client1 is retired: give this capture to another client", page)
            self.assertNotIn("last contact", page)
        self.assertIn("retired <time", self.get(self.demo))

    def test_one_that_is_to_stop(self) -> None:
        """Nobody will say that it has stopped: that is more than being slow."""
        self.retire()
        self.stop()
        self.assertIn("client1 is retired: give this capture", self.get(self.demo))

    def test_one_that_is_stopped(self) -> None:
        """Nothing is wrong with a capture that nobody wants to run; what it has had is said."""
        self.stop()
        self.answer(5)
        self.retire()
        page = self.get(self.demo)
        self.assertNotIn("give this capture", page)
        self.assertIn("retired <time", page)

    def test_its_own_page(self) -> None:
        """The link of a capture leads to it; nothing can be done there, nor is it listed."""
        done = ("New token", "Retire…", "Revoke…", "What to do next")
        self.assertEqual([one for one in done if one not in self.get(self.lab)], [])
        form = self.demo
        self.retire()
        page = self.get(self.lab)
        self.assertIn("Its tokens open nothing any more", page)
        self.assertEqual([one for one in done if one in page], [])
        self.assertNotIn("client1", self.get("/clients/"))
        for path in ("tokens/", "projects/"):
            self.post(self.lab + path, form, 404, projects=[])


class AwaitedTests(AnswerCase):
    def test_a_client_that_was_never_here(self) -> None:
        """It is to be started for what is to run; what is to stop waits for nothing."""
        self.assertIn("has never asked for its captures: start it", self.get(self.demo))
        self.stop()
        page = self.get(self.demo)
        self.assertIn("has never asked for its captures", page)
        self.assertNotIn("start it", page)

    def test_a_client_that_is_here(self) -> None:
        """It has not answered yet, whichever way it is told."""
        shown = {"Authorization": f"Token {self.world.token}"}
        self.assertEqual(Browser().get("/api/activejobs/", headers=shown).status_code, 200)
        self.assertIn("client1 has not answered yet", self.get(self.demo))
        self.stop()
        self.assertIn("client1 has not answered yet", self.get(self.demo))
