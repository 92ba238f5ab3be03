"""What becomes of what clients report: alerts, flips, and one message for each change."""

import json
from datetime import timedelta
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tcclient.control.jobs import Status
from tcclient.control.reports import Host, State
from tcclient.health.health import Level
from tcserver.accounts.models import AccountPart, LedgerRecord, PostCount
from tcserver.alerts.models import Alert, AlertChannel, Flip, Notification
from tcserver.alerts.services.channels import NewChannel, create_channel, switch_off
from tcserver.alerts.services.digest import send_digests
from tcserver.alerts.services.forget import forget_some
from tcserver.alerts.services.look import GONE, RETIRED, look, verdicts
from tcserver.alerts.turning import LATELY, MOST_FLIPS
from tcserver.captures.services.edit import edit
from tcserver.captures.services.report import answer
from tcserver.captures.services.start import start
from tcserver.captures.services.state import state
from tcserver.captures.services.stop import stop
from tcserver.fleet.models import Client, Token
from tcserver.fleet.services.clients import retire
from tcserver.fleet.services.contact import host
from tcserver.history.acts import by_server
from tests.tcserver.case import DatabaseCase
from tests.tcserver.sentledgers import NOON, by, gap
from tests.tcserver.world import START

LONGEST = timedelta(minutes=10)
SITE = "https://captures.example"
HOUR = 3600


class AlertCase(DatabaseCase):
    """client1 is here and runs the capture demo; ann is told of each change."""

    def setUp(self) -> None:
        super().setUp()
        self.now = START.replace(minute=30)
        stop(self.world.bare.pk, by_server(START))
        answer(self.world.demo.pk, self.world.client.pk, Status.STARTED, {}, by(self.world.client))
        new = NewChannel("email", "ann@example.org", True, "none")
        self.channel = create_channel(new, self.world.act(self.world.admin))

    def here(self, condition: str = "ok", reason: str = "", since: Any = None) -> None:
        """The client comes, and says how the capture is."""
        Token.objects.filter(client=self.world.client).update(contact_at=self.now)
        said = State(job=self.world.demo.pk, condition=condition, reason=reason, since=since)
        state(self.world.client.pk, [said], by_server(self.now))

    def look_after(self, **later: float) -> None:
        """Look, so much later."""
        self.now += timedelta(**later)
        look(verdicts(LONGEST, self.now), self.now, SITE)

    def pass_by(self, minutes: int, **here: Any) -> None:
        """Some minutes pass, in each of which the client comes and somebody looks."""
        for _ in range(minutes):
            self.here(**here)
            self.look_after(minutes=0)
            self.now += timedelta(minutes=1)

    def titles(self) -> list[str]:
        """What was told, in its order."""
        return list(Notification.objects.order_by("pk").values_list("title", flat=True))


class LookTests(AlertCase):
    def test_all_is_well(self) -> None:
        """Nothing is written."""
        self.pass_by(3)
        self.assertEqual(self.titles(), [])
        self.assertFalse(Alert.objects.exists())

    def test_a_client_that_vanishes(self) -> None:
        """It is told when it is late, lost and back, once each, and the capture makes no noise."""
        self.pass_by(3)
        for _ in range(20):
            self.look_after(minutes=1)
        lost = Alert.objects.get()
        self.assertEqual(
            (lost.kind, lost.state, lost.client), ("client", "down", self.world.client)
        )
        self.assertIn("1 capture waits for it", lost.reason)
        self.pass_by(5)
        self.assertEqual(
            self.titles(),
            [
                "client1: degraded: the client is silent",
                "client1: down: the client is silent",
                "client1: over: the client is silent",
            ],
        )
        changes = list(Flip.objects.order_by("pk").values_list("old", "new"))
        self.assertEqual(changes, [("ok", "degraded"), ("degraded", "down"), ("down", "ok")])

    def test_a_vanished_client_ends_no_alert(self) -> None:
        """A gap that was told is not over because nobody tells of it any more."""
        since = self.now - timedelta(minutes=11)
        self.pass_by(2, condition="stall", reason="no byte came", since=since)
        gap = Alert.objects.get(kind="gap")
        for _ in range(90):
            self.look_after(minutes=1)
        self.assertEqual(Alert.objects.get(pk=gap.pk).state, Level.DOWN)
        self.pass_by(4)
        self.assertEqual(Alert.objects.get(pk=gap.pk).state, Level.OK)

    def test_what_is_not_wanted_any_more(self) -> None:
        """A capture that is stopped, and a client that is retired, need no help."""
        since = self.now - timedelta(minutes=11)
        self.pass_by(2, condition="stall", since=since)
        stop(self.world.demo.pk, by_server(self.now))
        self.pass_by(4)
        self.assertEqual(Alert.objects.get(kind="gap").reason, GONE)
        self.look_after(hours=1)
        self.look_after(hours=1)
        self.assertEqual(Alert.objects.get(kind="client").state, Level.DOWN)
        retire(self.world.client.pk, by_server(self.now))
        self.look_after(minutes=1)
        silent = Alert.objects.get(kind="client")
        self.assertEqual((silent.state, silent.reason), (Level.DOWN, RETIRED))
        self.look_after(minutes=3)
        self.assertEqual({*Alert.objects.values_list("state", flat=True)}, {Level.OK})
        self.assertEqual(Alert.objects.get(kind="client").reason, RETIRED)

    def test_one_whose_client_was_retired(self) -> None:
        """It is said that this is why it does not run, and that another one has to have it."""
        self.pass_by(2)
        retire(self.world.client.pk, by_server(self.now))
        self.look_after(minutes=1)
        self.look_after(minutes=6)
        self.assertEqual(
            Alert.objects.get(kind="running").reason,
            "'demo' is wanted, and client1 is retired: give it to another client, or archive it.",
        )

    def test_one_whose_client_is_retired_while_it_is_down(self) -> None:
        """Each alert says what is the matter now, since the same time, and nothing is told."""
        since, refused = self.now, "the last attempt was refused (401 Unauthorized)"
        self.pass_by(4, condition="stuck", reason=refused, since=since)
        Alert.objects.create(
            key=f"running:capture:{self.world.demo.pk}", kind="running", capture=self.world.demo,
            name="demo", state="down", since=since, reason="old", seen="down", seen_since=since,
        )  # fmt: skip
        before = {one.kind: one.since for one in Alert.objects.filter(state="down")}
        self.assertEqual(before.keys(), {"running", "credentials", "health"})
        told = self.titles()
        retire(self.world.client.pk, by_server(self.now))
        self.look_after(seconds=10)
        on = Alert.objects.filter(state="down")
        self.assertEqual({one.kind: one.since for one in on}, before)
        self.assertEqual(
            {one.reason for one in on},
            {"'demo' is wanted, and client1 is retired: give it to another client, or archive it."},
        )
        self.assertEqual(self.titles(), told)

    def test_a_reason_that_changes(self) -> None:
        """It is that of now, as long as the state is the same; what is told stands as it was."""
        self.pass_by(2)
        self.look_after(minutes=10)
        self.look_after(minutes=2)
        self.assertIn("1 capture waits", Alert.objects.get().reason)
        start(self.world.bare.pk, by_server(self.now))
        self.look_after(seconds=10)
        self.assertIn("2 captures wait", Alert.objects.get().reason)
        self.assertIn("1 capture waits", Flip.objects.latest("pk").reason)
        Token.objects.filter(client=self.world.client).update(contact_at=self.now)
        self.look_after(seconds=10)
        self.assertIn("2 captures wait", Alert.objects.get(kind="client").reason)

    def test_a_reason_that_nobody_knows(self) -> None:
        """What a client said before it fell silent explains nothing better than was told."""
        since = self.now - timedelta(minutes=11)
        self.pass_by(2, condition="stall", reason="no byte came", since=since)
        self.here(condition="stall", reason="later words", since=since)
        self.look_after(minutes=10)
        self.assertEqual(Alert.objects.get(kind="gap").reason, "no byte came")

    def test_what_comes_and_goes_soon(self) -> None:
        """Is nothing to be told of."""
        self.pass_by(2, condition="quiet", reason="no post came")
        self.pass_by(3)
        self.assertEqual(self.titles(), [])

    def test_flapping(self) -> None:
        """It is told that it flaps; then nothing, until it was steady for an hour."""
        for _ in range(2 * MOST_FLIPS):
            self.pass_by(1, condition="stall", since=self.now - timedelta(minutes=11))
            self.pass_by(3)
        self.assertEqual(len(self.titles()), MOST_FLIPS)
        self.assertEqual(self.titles()[-1], "demo: comes and goes: posts are missing")
        self.pass_by(LATELY // timedelta(minutes=1) + 2)
        self.assertEqual(self.titles()[MOST_FLIPS:], ["demo: steady again: posts are missing: ok"])
        self.assertFalse(Alert.objects.get(kind="gap").flapping)

    def test_a_capture_that_does_not_begin(self) -> None:
        """Five minutes after it was wanted, also of a client that never comes."""
        Token.objects.filter(client=self.world.client).update(contact_at=None)
        for _ in range(7):
            self.look_after(minutes=1)
        self.assertEqual(self.titles(), ["demo: down: the capture does not run"])

    def test_two_looks_at_once(self) -> None:
        """Who looked at the same as another one tells nothing more."""
        self.here(condition="stall", since=self.now - timedelta(minutes=11))
        found = verdicts(LONGEST, self.now)
        stale = list(found)
        look(found, self.now)
        look(stale, self.now)
        self.assertEqual((len(self.titles()), Flip.objects.count()), (1, 1))

    def test_two_clients_with_one_token(self) -> None:
        """A start that comes again after another one; a restart is none."""
        for instance in "aab":
            host(self.world.client.pk, Host(instance=instance), self.now)
        self.pass_by(2)
        self.assertEqual(self.titles(), [])
        host(self.world.client.pk, Host(instance="a"), self.now)
        self.pass_by(1)
        self.assertEqual(self.titles(), ["client1: down: two clients use one token"])

    def test_a_gap_that_is_over(self) -> None:
        """A ledger that comes afterwards tells of it, if it is of the capture's own client."""
        end = self.now.timestamp() - 60
        for client, name in ((self.world.stranger, "other"), (self.world.client, "own")):
            self.pass_by(1)
            self.assertEqual(self.titles(), [])
            ledger = LedgerRecord.objects.create(
                client=client, name=name, created_at=START, appended_at=self.now
            )
            line = gap(end - 700 - NOON, end - NOON)
            text = json.dumps({"job": self.world.demo.pk, "line": line})
            AccountPart.objects.create(
                ledger=ledger, position=1, kind="gap", job=self.world.demo.pk, end=end, data=text
            )
        self.pass_by(1)
        self.assertEqual(self.titles(), ["demo: down: posts are missing"])
        self.assertIn("11 min 40 s", Notification.objects.get().text)

    def test_few_posts(self) -> None:
        """Beside the same hour of the weeks before; not beside hours with other keywords."""
        hour = int(self.now.timestamp()) // HOUR * HOUR - HOUR
        self.world.demo.started_at = START - timedelta(days=40)
        self.world.demo.save()
        for week, posts in enumerate((10, 900, 1000, 1100, 10)):
            PostCount.objects.create(
                capture=self.world.demo, seconds=HOUR, at=hour - week * 7 * 24 * HOUR, posts=posts
            )
        self.pass_by(1)
        self.assertEqual(self.titles(), ["demo: degraded: few posts come"])
        self.assertIn("950", Notification.objects.get().text)
        edit(self.world.demo.pk, by_server(START - timedelta(days=10)), keywords="tea")
        self.pass_by(4)
        self.assertEqual(self.titles()[1:], ["demo: over: few posts come"])

    def test_questions(self) -> None:
        """Looking at all asks the database a bounded number of times, whatever is there."""
        for number in range(10):
            self.world.capture(f"more{number}", "tea")
        with CaptureQueriesContext(connection) as asked:
            verdicts(LONGEST, self.now)
        self.assertLessEqual(len(asked), 6)


class TellingTests(AlertCase):
    def test_words(self) -> None:
        """A message says what, why, since when and where; the same for programs."""
        self.pass_by(1, condition="stall", reason="No byte came.\r\nBcc: x@y.z\u202e",
                     since=self.now - timedelta(minutes=11))  # fmt: skip
        told = Notification.objects.get()
        self.assertEqual(
            told.text,
            "No byte came. Bcc: x@y.z\nSince 2026-06-01 10:30:00 UTC; it was ok before.\n"
            f"{SITE}/captures/{self.world.demo.pk}/\n",
        )
        self.assertEqual(told.data["type"], "alert.changed")
        self.assertEqual(told.data["data"]["alert"], "gap")
        self.assertEqual(told.data["data"]["new"], "down")

    def test_who_is_told(self) -> None:
        """Who wants each change, and is not switched off."""
        act = self.world.act(self.world.admin)
        create_channel(NewChannel("email", "weekly@example.org", False, "weekly"), act)
        off = create_channel(NewChannel("email", "off@example.org", True, "none"), act)
        switch_off(off.pk, "by hand", act)
        self.pass_by(1, condition="stall", since=self.now - timedelta(minutes=11))
        told = Notification.objects.values_list("channel__target", flat=True)
        self.assertEqual(list(told), ["ann@example.org"])

    def test_a_digest(self) -> None:
        """It is sent once when it is due, and says what is wrong now and how much changed."""
        act = self.world.act(self.world.admin)
        channel = create_channel(NewChannel("email", "weekly@example.org", False, "weekly"), act)
        self.pass_by(1, condition="stall", since=self.now - timedelta(minutes=11))
        assert channel.digest_at is not None
        send_digests(channel.digest_at - timedelta(seconds=1), SITE)
        self.assertFalse(channel.notifications.exists())
        send_digests(channel.digest_at, SITE)
        send_digests(channel.digest_at, SITE)
        told = channel.notifications.get()
        self.assertEqual(told.title, "Summary: 1 wrong now")
        self.assertIn("1 change since", told.text)
        self.assertIn("- demo: down: posts are missing", told.text)
        after = AlertChannel.objects.get(pk=channel.pk).digest_at
        self.assertEqual(after, channel.digest_at + timedelta(days=7))

    def test_what_is_too_old(self) -> None:
        """It goes, but for what is wrong still."""
        self.pass_by(1, condition="stall", since=self.now - timedelta(minutes=11))
        self.pass_by(4)
        self.pass_by(1, condition="stall", since=self.now - timedelta(minutes=11))
        forget_some(self.now + timedelta(days=11), 10)
        self.assertEqual((Flip.objects.count(), Notification.objects.count()), (0, 0))
        self.assertEqual(Alert.objects.count(), 1)
        Alert.objects.update(state="ok", seen="ok")
        forget_some(self.now + timedelta(days=11), 10)
        self.assertFalse(Alert.objects.exists())

    def test_a_removed_client_counts_nowhere(self) -> None:
        """Clients that were retired are not looked at."""
        Client.objects.update(retired_at=self.now)
        self.assertEqual({one.subject for one in verdicts(LONGEST, self.now)}, {"capture"})
