"""The last posts of a capture: asked of its client while somebody looks, and kept nowhere."""

import html
import json
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.test import override_settings

from tcserver.captures.glimpses import look, looked_at
from tcserver.captures.services.archive import archive
from tcserver.captures.services.stop import stop
from tcserver.environment import cache as cache_setting
from tcserver.shortmemory import PAUSE, ShortMemory
from tests.marks import Need, needs
from tests.tcserver.case import CommittedCase
from tests.tcserver.livecase import LiveCase, PrivateRedis
from tests.tcserver.test_hostile import HOSTILE
from tests.tcserver.test_website import PageCase

NOBODY_YET = "is asked for them"


def post(text: str, author: str = "@ann") -> dict[str, str]:
    """A post as a client shows it."""
    return {"text": text, "author": author, "at": "2026-06-01T09:00:00Z"}


class LastPostsTests(PageCase):
    def shows(
        self, *posts: dict[str, str], token: str | None = None, job: int | None = None
    ) -> int:
        """The status with which posts of demo are taken of client1."""
        told = {"job": self.world.demo.pk if job is None else job, "posts": posts}
        given = self.browser.put(
            "/api/glimpses/",
            json.dumps(told),
            content_type="application/json",
            headers={"Authorization": f"Token {token or self.world.token}"},
        )
        return int(given.status_code)

    def polled(self) -> Any:
        """The captures that client1 is told somebody looks at; None where it is told nothing."""
        shown = {"Authorization": f"Token {self.world.token}"}
        return self.browser.get("/api/activejobs/", headers=shown).json().get("looks")

    def test_who_looks_is_shown_them(self) -> None:
        """The client is asked with its next poll, and not before; the newest stands first."""
        self.assertIsNone(self.polled())
        self.assertEqual(self.shows(post("before anybody")), 204)
        self.assertIn(NOBODY_YET, self.get(self.demo))
        self.assertEqual(self.polled(), [self.world.demo.pk])
        self.assertEqual(self.shows(post("older"), post("newer")), 204)
        page = self.get(self.demo)
        self.assertNotIn("before anybody", page)
        self.assertLess(page.index("newer"), page.index("older"))
        self.assertIn("@ann", page)

    def test_they_are_in_no_table(self) -> None:
        self.get(self.demo)
        self.shows(post("only in memory"))
        self.assertIn("only in memory", self.get(self.demo))
        with connection.cursor() as cursor:
            for table in connection.introspection.table_names(cursor):
                cursor.execute(f'SELECT * FROM "{table}"')
                self.assertNotIn("only in memory", repr(cursor.fetchall()), table)
        cache.clear()
        self.assertNotIn("only in memory", self.get(self.demo))

    def test_whose_they_are(self) -> None:
        """Of another client's capture, and of one that is put away, nothing is taken."""
        self.get(self.demo)
        self.assertEqual(self.shows(post("x"), token=self.world.strange_token), 400)
        self.assertEqual(self.shows(post("x"), job=10**9), 400)
        archive(self.world.demo.pk, self.world.act(self.world.rita))
        self.assertEqual(self.shows(post("x")), 400)

    def test_who_sees_them(self) -> None:
        """A viewer does; a stranger makes nobody ask for them."""
        self.browser = self.world.browser(self.world.otto)
        self.get(self.demo, 404)
        self.assertEqual(looked_at([self.world.demo.pk]), [])
        self.browser = self.world.browser(self.world.vera)
        self.get(self.demo)
        self.assertEqual(looked_at([self.world.demo.pk]), [self.world.demo.pk])

    def test_what_is_not_a_sample(self) -> None:
        """More than five, longer ones than are shown, other types: refused."""
        for told in ([post("x")] * 6, [post("x" * 1001)], [{"text": 1}], [{"author": "x"}], ["x"]):
            self.assertEqual(self.shows(*told), 400, told)  # type: ignore[arg-type]

    def test_signs_that_x_writes_as_html(self) -> None:
        """They are read as people wrote them, and never become markup."""
        self.get(self.demo)
        self.assertEqual(self.shows(post("tea &amp; milk &lt;b&gt;")), 204)
        self.assertIn('<p dir="auto">tea &amp; milk &lt;b&gt;</p>', self.get(self.demo))

    def test_hostile_posts(self) -> None:
        """Whatever stands in a post, it is text."""
        self.get(self.demo)
        for text in HOSTILE:
            self.assertEqual(self.shows(post(text[:1000], text[:100])), 204)
            page = self.get(self.demo)
            self.assertIn(html.escape(text[:1000]), page)
            for live in ("<script>", "<img src=x", "<b>", "49{"):
                self.assertNotIn(live, page)

    def test_a_capture_that_does_not_run(self) -> None:
        """Nobody is asked."""
        stop(self.world.demo.pk, self.world.act(self.world.rita))
        self.assertIn("They are shown here while it runs", self.get(self.demo))
        self.assertIsNone(self.polled())

    def test_the_other_parts(self) -> None:
        """They are drawn again without asking the client: only who sees posts looks at them."""
        for part in ("capture", "chart"):
            asks = {"HX-Request": "true", "HX-Target": f"live-{part}"}
            self.browser.get(self.demo, headers=asks)
        self.assertIsNone(self.polled())


class ByChannelTests(LiveCase):
    def test_at_once(self) -> None:
        """A client with a socket hears of it, and shows posts by it; another one hears nothing."""
        demo, client, page = self.world.demo, self.greets(), self.world.browser(self.world.rita)
        other = self.greets(token=self.world.strange_token)
        page.get(f"/captures/{demo.pk}/")
        self.assertEqual(client.hears("look"), {"type": "look", "job": demo.pk})
        for number in (demo.pk, 10**9):
            client.says({"type": "glimpses", "job": number, "posts": [post("about cats")]})
        other.says({"type": "glimpses", "job": demo.pk, "posts": [post("not mine")]})
        for peer, name in ((client, "a"), (other, "b")):  # what is held comes after what was shown
            peer.says({"type": "ledger", "ledger": name, "offset": 0, "data": ""})
            peer.hears("held")
        seen = page.get(f"/captures/{demo.pk}/").content.decode()
        self.assertIn("about cats", seen)
        self.assertNotIn("not mine", seen)
        self.assertEqual([one for one in other.heard if one["type"] == "look"], [])

    def test_as_long_as_somebody_looks(self) -> None:
        """It is told now and then, and not for each request of a page."""
        client, page = self.greets(), self.world.browser(self.world.rita)
        for _ in range(5):
            page.get(f"/captures/{self.world.demo.pk}/")
        client.hears("look")
        client.says({"type": "ledger", "ledger": "a", "offset": 0, "data": ""})
        client.hears("held")
        self.assertEqual(len([one for one in client.heard if one["type"] == "look"]), 1)


@needs(Need.PROCESSES)
class BetweenProcessesTests(CommittedCase):
    """By Redis, as with several server processes."""

    def setUp(self) -> None:
        super().setUp()
        self.redis = PrivateRedis(self)
        self.enterContext(self.by_redis("one"))

    def by_redis(self, secret: str) -> Any:
        """The setting of an installation."""
        return override_settings(CACHES={"default": cache_setting(self.redis.url, secret)})

    def test_a_shared_redis(self) -> None:
        """Another process has it, another installation does not."""
        ShortMemory().remember("posts", b"\0not pickled", 60)
        self.assertEqual(ShortMemory().recall("posts"), b"\0not pickled")
        self.assertTrue(ShortMemory().is_first("told", 60))
        self.assertFalse(ShortMemory().is_first("told", 60))
        look(self.world.demo)
        self.assertEqual(looked_at([10**9, self.world.demo.pk]), [self.world.demo.pk])
        with self.by_redis("two"):
            self.assertIsNone(ShortMemory().recall("posts"))

    def test_redis_away(self) -> None:
        """There is nothing, it is said once, and not waited for again and again."""
        now = 0.0
        memory = ShortMemory(lambda: now)
        self.redis.kill()
        with self.assertLogs("tcserver.shortmemory", "WARNING") as said:
            memory.remember("posts", b"1", 60)
            now = PAUSE - 0.1
            self.assertTrue(memory.is_first("told", 60))
            self.assertEqual((memory.recall("posts"), memory.recall_some(["posts"])), (None, {}))
            now = 2 * PAUSE
            self.assertIsNone(memory.recall("posts"))
            self.redis.start()
            now = 4 * PAUSE
            memory.remember("posts", b"2", 60)
        self.assertEqual(memory.recall("posts"), b"2")
        self.assertEqual(len(said.output), 2)
