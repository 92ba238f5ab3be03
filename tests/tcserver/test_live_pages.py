"""What real time has at addresses of requests: parts of pages, the schema, the numbers."""

import json
from datetime import timedelta

from django.test import Client as Browser

from tcclient.control.jobs import Status
from tcclient.control.reports import State
from tcclient.push.messages import Hello, schema
from tcserver.captures.services.report import answer
from tcserver.captures.services.state import state
from tcserver.captures.services.stop import stop
from tcserver.fleet.models import Token
from tcserver.fleet.services.sessions import UsedElsewhere, begin_session
from tcserver.history.acts import Act, Party
from tests.tcserver.case import DatabaseCase
from tests.tcserver.world import START


class PartsTests(DatabaseCase):
    def test_what_is_drawn_anew(self) -> None:
        """The page says what it is to watch, and of which capture each of its places tells."""
        browser = self.world.browser(self.world.rita)
        demo = self.world.demo.pk
        for path, watch in (("/captures/", "captures"), (f"/captures/{demo}/", f"capture:{demo}")):
            text = browser.get(path).content.decode()
            self.assertEqual(text.count(f'data-watch="{watch}"'), 1)
            self.assertIn('hx-trigger="every 5s, refresh from:body"', text)
            for shown in ("state", "posts", "rate", "contact"):
                self.assertEqual(text.count(f'data-of="{demo}" data-shows="{shown}"'), 1, shown)

    def test_what_was_asked_and_acknowledged(self) -> None:
        """A capture's page has the newest wish, since when its client goes by it, with times."""
        demo, client = self.world.demo.pk, self.world.client
        browser = self.world.browser(self.world.rita)
        revision = stop(demo, self.world.act(self.world.rita, 5)).revision
        before = browser.get(f"/captures/{demo}/").content.decode()
        self.assertIn("2026-06-01 10:00:05 UTC", before)
        self.assertIn("stopped by rita", before)
        self.assertIn('<strong>Acknowledged</strong> <span class="reason">not yet', before)
        act = Act(Party.CLIENT, client.pk, client.name, START + timedelta(seconds=6))
        state(client.pk, [State(job=demo, condition="ok", revision=revision)], act)
        answer(demo, client.pk, Status.STOPPED, {}, act)
        after = browser.get(f"/captures/{demo}/").content.decode()
        self.assertIn("2026-06-01 10:00:06 UTC", after)
        self.assertNotIn("not yet", after)


class ShownSessionTests(DatabaseCase):
    def test_two_installations(self) -> None:
        """The page of a client shows the one that has the session, and the one that was refused."""
        client, token = self.world.client.pk, Token.objects.get(client=self.world.client).pk
        begin_session(client, token, Hello(1, "inst-one", host="lab-1"), START)
        with self.assertRaises(UsedElsewhere):
            begin_session(client, token, Hello(1, "inst-two", host="lab-2"), START)
        browser = self.world.browser(self.world.rita)
        text = browser.get(f"/clients/{client}/").content.decode()
        for words in ("inst-two", "on lab-2 was refused", "Not connected"):
            self.assertIn(words, text)


class MachineTests(DatabaseCase):
    def test_the_schema(self) -> None:
        """It is there for anybody."""
        got = Browser().get("/api/schema/push/")
        self.assertEqual(got.json(), json.loads(json.dumps(schema())))

    def test_the_numbers(self) -> None:
        """This machine reads them, and whoever has a person's key; nobody else, also by a proxy."""
        key = self.world.key(self.world.vera, may_write=False)
        token = self.world.token
        for address, headers, status in (
            ("127.0.0.1", {}, 200),
            ("::1", {}, 200),
            ("127.0.0.1", {"X-Forwarded-For": "10.1.1.1"}, 403),
            ("10.1.1.1", {}, 403),
            ("10.1.1.1", {"Authorization": f"Token {key}"}, 200),
            ("10.1.1.1", {"Authorization": f"Token {token}"}, 403),
        ):
            got = Browser().get("/metrics", REMOTE_ADDR=address, headers=headers)
            self.assertEqual(got.status_code, status, (address, headers))
        self.assertIn("tcserver_sockets", Browser().get("/metrics").content.decode())
