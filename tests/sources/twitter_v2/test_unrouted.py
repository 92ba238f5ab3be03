"""Behaviour of posts that name no rule, and of those whose rules nobody here keeps."""

import json
from typing import Any

from twisted.logger import capturedLogs, formatEvent

from tcclient.control.jobs import Job
from tcclient.ledger.lines import LedgerLine
from tcclient.runtime.backoff import Trouble
from tcclient.sources.twitter_v2.entries import UnroutedPosts
from tcclient.sources.twitter_v2.foreign import (
    FOREIGN_INTERVAL,
    GRACE,
    LISTING,
    MOST_RULES,
    WARN_INTERVAL,
)
from tcclient.sources.twitter_v2.report import V2Report
from tcclient.sources.twitter_v2.rules.keeping import LOOK_AGAIN
from tcclient.sources.twitter_v2.rules.ruleset import PresentRule
from tcclient.sources.twitter_v2.subscription import MOST_WAITING
from tcclient.sources.twitter_v2.unrouted import LAST_TRY, RETRY, TELL_INTERVAL
from tcclient.storage.folders import UNROUTED, CannotStore
from tcclient.storage.index import INDEX
from tests.peers import settle
from tests.sources.twitter_v2.test_sharedstream import SharedStreamTestCase, post
from tests.sources.twitter_v2.xrules import DELAY
from tests.storage.disk import in_the_way


def bare(number: int, **members: Any) -> bytes:
    """A post with these members beside its data, and none other."""
    return json.dumps({"data": {"id": str(number), "text": "x"}, **members}).encode() + b"\r\n"


def warnings(events: list[Any]) -> list[str]:
    """The texts of the warnings and errors among them."""
    return [
        formatEvent(event) or "" for event in events if event["log_level"].name in ("warn", "error")
    ]


class UnroutedTests(SharedStreamTestCase):
    """Posts that name none of the rules that they matched."""

    def unrouted(self) -> list[int]:
        """The ids of the posts in the folder of their own."""
        return self.disk.stored(UNROUTED)

    def test_before_the_rules_can_be_read(self) -> None:
        """A rule that nobody knows may be of any capture then, and is somebody else's after it."""
        self.stream(1, 2)
        self.restart()
        self.x.fails("read")
        self.x.slow = 1.0
        with capturedLogs():
            self.run_job(1, "cats")
            self.run_job(2, "dogs")
            self.goes(2)
            self.peer.answers()
            self.peer.says(post(1, ("999", None)) + post(2, (self.rule(1)[0], None)))
            self.assertEqual((self.unrouted(), self.disk.stored("cats")), ([1], [2]))
            self.x.recovers()
            self.lives(60)
            self.peer.says(post(3, ("999", None)))
        self.assertEqual(self.unrouted(), [1])

    def test_a_rule_for_old_keywords(self) -> None:
        """It is known by its id from the ledger, and nobody's, although the rules are not read."""
        self.stream(1, 2)
        old = self.rule(1)[0]
        self.x.fails("delete")
        with capturedLogs():
            self.halt(1)
            self.restart()
            self.x.recovers()
            self.x.fails("read")
            self.run_job(1, "newts")
            self.run_job(2, "dogs")
            self.goes(2)
            self.peer.answers()
            self.peer.says(post(1, (old, None)) + post(2, ("999", None)))
        self.assertEqual((self.disk.stored("cats"), self.disk.stored("dogs")), ([], []))
        self.assertEqual(self.unrouted(), [2])

    def test_a_rule_of_a_capture_that_has_ended(self) -> None:
        """What it matches is not for the only one that runs, although the rules are not read."""
        self.stream(1, 2)
        old = self.rule(1)[0]
        self.x.fails("delete")
        with capturedLogs() as events:
            self.halt(1)
            self.restart()
            self.x.recovers()
            self.x.fails("read")
            self.run_job(2, "dogs")
            self.goes(2)
            self.peer.answers()
            self.peer.says(post(1, (old, None)))
        self.assertEqual((self.disk.stored("dogs"), self.unrouted()), ([], [1]))
        said = [str(formatEvent(event)) for event in events]
        self.assertIn("As X has not listed its rules yet, nobody", "".join(said))

    def test_one_capture_gets_them(self) -> None:
        """They can be nobody else's, whatever stands in the place of their rules."""
        self.stream(1)
        self.peer.says(
            post(1)
            + bare(2, matching_rules=None)
            + bare(3, matching_rules=[])
            + bare(4, matching_rules=[{}, {"id": None, "tag": None}])
            + bare(5, matching_rules={"id": "7"})
            + bare(6, matching_rules=[7, "x"])
        )
        self.assertEqual(self.disk.stored("cats"), [1, 2, 3, 4, 5, 6])
        self.assertFalse((self.base / UNROUTED).exists())

    def test_of_several_nobody_gets_them(self) -> None:
        """Their bytes are in a folder of their own, and each account says how many there are."""
        self.stream(1, 2)
        with capturedLogs() as events:
            self.peer.says(post(1) + post(2, self.rule(1)) + bare(3, matching_rules=None))
            self.peer.says(post(4))
        self.assertEqual(self.unrouted(), [1, 3, 4])
        self.assertEqual((self.disk.stored("cats"), self.disk.stored("dogs")), ([2], []))
        (said,) = warnings(events)
        self.assertIn(UNROUTED, said)
        self.lives(TELL_INTERVAL)
        for name in ("cats", "dogs"):
            (line,) = self.disk.account(name, "unrouted_posts")
            self.assertEqual((line["posts"], line["folder"]), (3, UNROUTED))
        self.assertEqual(self.disk.account("", "foreign_posts"), [])

    def test_the_last_ones(self) -> None:
        """They are accounted for, and their file is finished, when the process ends."""
        self.stream(1, 2)
        self.peer.says(post(1) + post(2))
        self.leave()
        for name in ("cats", "dogs"):
            self.assertEqual(self.disk.account(name, "unrouted_posts")[0]["posts"], 2)
        (booked,) = self.disk.account(UNROUTED, "file")
        self.assertEqual(booked["posts"], 2)
        self.assertEqual(self.disk.kinds(UNROUTED)[-1], "capture_close")
        named = [line["name"] for line in self.disk.account("", "job")]
        self.assertEqual(named, ["cats", "dogs"])  # it is no job's, so that no server is told of it
        self.begin()

    def test_once_for_each_change(self) -> None:
        """The log hears when it begins and when it has ended, with the number."""
        self.stream(1, 2)
        with capturedLogs() as events:
            for number in range(5):
                self.peer.says(post(number))
                self.lives(TELL_INTERVAL)
        self.assertEqual(len(warnings(events)), 1)
        with capturedLogs() as events:
            self.lives(3 * TELL_INTERVAL)
        (said,) = [text for text in map(formatEvent, events) if text and "No more posts" in text]
        self.assertIn("5 posts", said)
        with capturedLogs() as events:
            self.peer.says(post(9))
        self.assertEqual(len(warnings(events)), 1)

    def test_one_that_joins_has_none_of_the_earlier_ones(self) -> None:
        """The numbers are of the time in which a capture is streaming."""
        self.stream(1, 2)
        self.peer.says(post(1))
        self.run_job(3, "rats")
        self.peer.says(post(2))
        self.lives(TELL_INTERVAL)
        found = [self.disk.account(name, "unrouted_posts") for name in ("cats", "dogs", "rats")]
        self.assertEqual([line["posts"] for (line,) in found], [2, 2, 1])

    def test_a_disk_that_takes_none(self) -> None:
        """The captures are not held up by it; so much waits, and the rest is accounted for."""
        self.stream(1, 2)
        self.peer.says(post(1))
        self.goes(1)
        big = bare(2, includes={"x": "y" * 500_000})
        with in_the_way(self.base / UNROUTED), capturedLogs():
            sent = 2 * MOST_WAITING // len(big)
            for _ in range(sent):
                self.peer.says(big + post(7, self.rule(1)))
            self.assertTrue(self.peer.transport.reading)
            self.assertEqual(len(self.disk.stored("cats")), sent)
        self.goes(2)
        stored = len(self.unrouted()) - 1
        self.assertLess(stored, sent)
        self.lives(TELL_INTERVAL)
        (line,) = self.disk.account(UNROUTED, "not_stored")
        self.assertEqual(line["posts"], sent - stored)

    def test_a_disk_that_takes_none_at_the_end(self) -> None:
        """The client waits a moment for it, and says what is lost."""
        self.stream(1, 2)
        self.peer.says(post(1))
        self.goes(1)
        with in_the_way(self.base / UNROUTED), capturedLogs() as events:
            self.peer.says(post(2) + post(3))
            for job in (1, 2):
                self.halt(job)
            stopped = self.shared.stopService()
            self.assertNoResult(stopped)
            self.goes(LAST_TRY)
            self.successResultOf(stopped)
        self.assertIn("2 posts of 'tcc.unrouted' are lost", " ".join(warnings(events)))
        self.clock.advance(600)  # in which the slot of the file ends, which a process does not live
        self.begin()

    def test_a_folder_that_cannot_be_made(self) -> None:
        """Said once, and nothing untrue; the posts wait, and are stored within a second after."""
        self.stream(1, 2)
        (self.base / UNROUTED).write_text("in the way")
        with capturedLogs() as events:
            self.peer.says(post(1))
            self.peer.says(post(2))
            self.lives(TELL_INTERVAL)
        self.assertEqual(len(warnings(events)), 2)
        self.assertNotIn("are stored", " ".join(warnings(events)))
        self.assertEqual(self.disk.account("cats", "unrouted_posts"), [])
        (self.base / UNROUTED).unlink()
        self.goes(RETRY)
        self.assertEqual(self.unrouted(), [1, 2])
        self.lives(TELL_INTERVAL)
        (line,) = self.disk.account("cats", "unrouted_posts")
        self.assertEqual((line["posts"], line.get("not_stored", 0)), (2, 0))

    def test_a_folder_that_cannot_be_made_for_long(self) -> None:
        """So much waits; the rest is lost, and each account says how many those are."""
        self.stream(1, 2)
        (self.base / UNROUTED).write_text("in the way")
        big = bare(2, includes={"x": "y" * 500_000})
        sent = 2 * MOST_WAITING // len(big)
        with capturedLogs():
            for _ in range(sent):
                self.peer.says(big)
            self.lives(TELL_INTERVAL)
        (line,) = self.disk.account("cats", "unrouted_posts")
        lost = line["posts"]
        self.assertEqual(line["not_stored"], lost)
        (line,) = self.disk.account("", "not_stored")
        self.assertEqual(line["posts"], lost)
        (self.base / UNROUTED).unlink()
        self.lives(TELL_INTERVAL)
        self.assertEqual(len(self.unrouted()), sent - lost)
        self.assertGreater(lost, 0)

    def test_a_folder_that_cannot_be_made_to_the_end(self) -> None:
        """What waits is lost, and log and accounts say so."""
        self.stream(1, 2)
        (self.base / UNROUTED).write_text("in the way")
        with capturedLogs() as events:
            self.peer.says(post(1) + post(2))
            self.leave()
        self.assertIn("2 posts that name no rule are lost", " ".join(warnings(events)))
        for name in ("cats", "dogs"):
            (line,) = self.disk.account(name, "unrouted_posts")
            self.assertEqual((line["posts"], line["not_stored"]), (2, 2))
        self.assertEqual(self.disk.account("", "not_stored")[0]["posts"], 2)
        self.begin()

    def test_killed_before_they_are_told(self) -> None:
        """The next start tells each capture that was streaming, once."""
        self.stream(1, 2)
        self.lives(DELAY)
        self.peer.says(post(1) + post(2))
        self.lives(TELL_INTERVAL)
        self.peer.says(post(3))
        self.run_job(3, "rats")
        self.lives(DELAY)
        self.peer.says(post(4) + post(5))
        self.goes(1)
        for death in (self.dies, self.dies, self.restart):
            death()
            told = {
                name: [line["posts"] for line in self.disk.account(name, "unrouted_posts")]
                for name in ("cats", "dogs", "rats")
            }
            self.assertEqual(told, {"cats": [2, 3], "dogs": [2, 3], "rats": [3]})
        self.assertEqual(self.unrouted(), [1, 2, 3, 4, 5])

    def test_again_after_a_reconnect(self) -> None:
        """They are stored once, also where another process has stored them."""
        self.stream(1, 2)
        self.peer.says(post(1) + post(2))
        self.goes(1)
        for way in (self.peer.closes, self.restart):
            way()
            if way == self.restart:
                self.run_job(1, "cats")
                self.run_job(2, "dogs")
            self.goes(1)
            self.peer.answers()
            self.peer.says(post(2) + post(3))
            self.goes(1)
            self.assertEqual(self.unrouted(), [1, 2, 3])
        self.restart()
        said = self.disk.account(UNROUTED, "delivered_again")
        self.assertEqual([line["posts"] for line in said], [1, 2])

    def test_in_an_account(self) -> None:
        """All of them, and where they are; nothing where there were none."""
        report = V2Report()
        self.assertEqual([*report.not_in_files()], [])
        for number in (1, 2):
            report.take(LedgerLine(number, 0.0, 7, UnroutedPosts(posts=number, folder="f"), 1))
        (said,) = report.not_in_files()
        self.assertEqual(said, "3 that name no rule may be its: they are in f")
        report.take(LedgerLine(3, 0.0, 7, UnroutedPosts(posts=2, folder="f", not_stored=1), 1))
        (said,) = report.not_in_files()
        self.assertIn("5 that name no rule may be its: they are in f, but for 1", said)

    def test_its_name_is_no_job_s(self) -> None:
        """Not even where the file system takes both cases for the same."""
        for name in (UNROUTED, UNROUTED.upper()):
            with self.assertRaises(CannotStore) as caught:
                self.folders.open(Job(7, name, 3, "x", 0, 1, False, None))
            self.assertIn(name, str(caught.exception))


class LeftTests(SharedStreamTestCase):
    """Rules of ours that nobody wants when a process starts, and no capture runs."""

    def test_deleted_at_the_next_start(self) -> None:
        """However long X refuses it, with a wait between two tries."""
        self.stream(1, 2)
        with capturedLogs():
            self.x.fails("delete", trouble=Trouble.HTTP)
            self.halt(1)
            self.halt(2)
            self.restart()
            self.goes(60)
            self.assertEqual(len(self.x.values()), 2)
            self.assertLess(len(self.x.asked), 30)
            self.x.recovers()
            self.goes(400)
        self.assertEqual(self.x.values(), [])
        self.restart()
        self.x.asked.clear()
        self.goes(2 * LOOK_AGAIN)
        self.assertEqual(self.x.asked, [])  # there is nothing left to ask for

    def test_of_jobs_that_ended_meanwhile(self) -> None:
        """The client left them to the next one, which has no such job; a kill is the same."""
        for death in (self.restart, self.dies):
            with capturedLogs():
                self.stream(1)
                death()
                self.assertEqual(self.x.values(), ["cats"])
                self.goes(60)
                self.assertEqual(self.x.values(), [])

    def test_of_jobs_that_go_on(self) -> None:
        """They stay, and X is asked once."""
        self.stream(1)
        self.restart()
        self.x.asked.clear()
        self.run_job(1, "cats")
        self.goes(60)
        self.assertEqual((self.x.values(), self.x.asked), (["cats"], ["read"]))

    def test_of_an_earlier_release(self) -> None:
        """It noted nothing of them: X is asked, where there were jobs at all."""
        self.stream(1)
        self.leave()
        index = self.base / INDEX
        lines = index.read_bytes().splitlines(keepends=True)
        index.write_bytes(b"".join(line for line in lines if b'"rules_held"' not in line))
        self.begin()
        self.goes(60)
        self.assertEqual(self.x.values(), [])

    def test_nothing_is_known(self) -> None:
        """A client that has never had a job does not call X."""
        self.goes(2 * LOOK_AGAIN)
        self.restart()
        self.goes(2 * LOOK_AGAIN)
        self.assertEqual(self.x.asked, [])


class NumericTests(SharedStreamTestCase):
    """Ids that are numbers mean the same as texts."""

    def test_of_posts_and_rules(self) -> None:
        """With a tag or without, beyond what a double can hold too."""
        self.stream(1, 2)
        rule = int(self.rule(1)[0])
        big = 1_234_567_890_123_456_789
        said = [
            json.dumps({"data": {"id": big}, "matching_rules": [{"id": rule}]}),
            json.dumps({"data": {"id": "2"}, "matching_rules": [{"id": rule, "tag": None}]}),
            json.dumps({"data": {"id": 3, "t": "\ud800"}, "matching_rules": [{"id": rule}]}),
        ]
        self.peer.says("\r\n".join([*said, ""]).encode())
        self.assertEqual(self.disk.stored("cats"), [big, 2, 3])
        self.assertEqual(self.disk.stored("dogs"), [])

    def test_of_what_is_none(self) -> None:
        """A truth value, a fraction and an object are no ids; what a rule matched is stored."""
        self.stream(1)
        for value in (True, 1.5, {"x": 1}, ["1"]):
            line = {"data": {"id": value}, "matching_rules": [{"id": self.rule(1)[0]}]}
            self.peer.says(json.dumps(line).encode() + b"\r\n")
        self.assertEqual(len(self.disk.lines("cats")), 4)
        self.assertEqual(self.disk.account("cats", "unknown"), [])


class BilledTests(SharedStreamTestCase):
    """The log names the rules whose posts nobody here asked for."""

    def hears(self, seconds: float) -> list[str]:
        """What is said in a time with keep-alives."""
        with capturedLogs() as events:
            self.lives(seconds)
        return warnings(events)

    def test_the_first_and_then_hourly(self) -> None:
        """With the rule's value, the number of posts, and what they cost."""
        mine = self.x.has("my rule", "mine")
        self.stream(1)
        with capturedLogs() as events:
            self.peer.says(post(1, (mine, "mine")))
        (first,) = warnings(events)
        for words in ("'my rule'", mine, "1 post", "US$0.005", "of another program"):
            self.assertIn(words, first)
        with capturedLogs() as events:
            self.peer.says(b"".join(post(n, (mine, "mine")) for n in range(3, 202)))
        self.assertEqual(warnings(events), [])
        (hourly,) = self.hears(WARN_INTERVAL + FOREIGN_INTERVAL)
        for words in ("'my rule'", "199 posts", "US$0.995"):
            self.assertIn(words, hourly)
        self.assertEqual(self.hears(2 * WARN_INTERVAL), [])

    def test_whose_it_is(self) -> None:
        """A rule that tcc has made is named as such, by another installation or by this one."""
        theirs = self.x.has("their rule", "tcc:fedcba987654.0123abcd:1")
        elsewhere = self.x.has("old rule", "tcc:0123456789ab.89abcdef:1")
        self.stream(1)
        with capturedLogs() as events:
            self.peer.says(post(1, (theirs, None)) + post(2, (elsewhere, None)))
        first, second = warnings(events)
        self.assertIn(f"({theirs}) of another installation of tcc", first)
        self.assertIn(f"({elsewhere}) of this installation for another server", second)

    def test_a_rule_that_is_new(self) -> None:
        """X is asked for its text once, whatever comes meanwhile, and then it is said."""
        self.stream(1)
        self.lives(30)
        self.x.asked.clear()
        new = self.x.has("new rule", "theirs")
        self.x.holds("read")
        with capturedLogs() as events:
            self.peer.says(post(1, (new, "theirs")) + post(2, (new, "theirs"), ("9", "x")))
        self.assertEqual((warnings(events), self.x.asked), ([], ["read"]))
        with capturedLogs() as events:
            self.x.lets_go()
        (said,) = warnings(events)
        self.assertIn("2 posts, US$0.010, of the rule 'new rule'", said)
        self.lives(LISTING + FOREIGN_INTERVAL)
        newer = self.x.has("newer rule", "theirs")
        self.x.holds("read")
        with capturedLogs() as events:
            self.peer.says(post(3, (newer, "theirs")))
            self.x.lets_go()
        (said,) = warnings(events)
        self.assertIn("'newer rule'", said)

    def test_a_rule_that_x_does_not_list(self) -> None:
        """It is named by its id, when X has had time to tell its text."""
        self.stream(1)
        self.lives(30)
        with capturedLogs() as events:
            self.peer.says(post(1, ("9", "x")))
        self.assertEqual(warnings(events), [])
        with capturedLogs() as events:
            self.lives(LISTING + FOREIGN_INTERVAL)
        (said,) = warnings(events)
        self.assertIn("'9'", said)

    def test_a_stop_is_no_news(self) -> None:
        """X goes on sending for a while; what still comes after it is said."""
        self.stream(1, 2)
        dogs = self.rule(2)
        self.halt(2)
        with capturedLogs() as events:
            self.peer.says(post(1, dogs))
        self.assertEqual(warnings(events), [])
        self.lives(GRACE + 5)
        with capturedLogs() as events:
            self.peer.says(post(2, dogs))
        (said,) = warnings(events)
        self.assertIn("2 posts", said)

    def test_a_deletion_that_was_a_lie(self) -> None:
        """X is asked for its list again, at most once a minute, and to delete what it has there."""
        self.stream(1, 2)
        dogs = self.rule(2)
        kept = self.x.rules[dogs[0]]
        self.halt(2)
        self.assertNotIn(dogs[0], self.x.rules)
        self.x.rules[dogs[0]], self.x.since[dogs[0]] = kept, 0.0
        self.x.asked.clear()
        with capturedLogs() as events:
            for number in range(round(DELAY)):
                self.peer.says(post(number, dogs))
                self.goes(1)
            self.assertEqual(self.x.asked, [])
            self.peer.says(post(98, dogs) + post(99, dogs))
            settle(self.clock)
        self.assertEqual((self.x.asked, warnings(events)), (["read", "delete"], []))
        self.assertNotIn(dogs[0], self.x.rules)
        with capturedLogs() as events:
            for number in range(100, 230):
                self.peer.says(post(number, (dogs[0], None)))
                self.goes(1)
        self.assertEqual(self.x.asked.count("read"), 3)
        (said,) = warnings(events)
        for words in ("'dogs'", dogs[0], "of this client", "is asked for that again"):
            self.assertIn(words, said)
        self.assertNotIn("maker", said)

    def test_an_old_rule_that_comes_back(self) -> None:
        """What it matches is not stored for keywords that are no longer in force."""
        self.stream(1)
        self.lives(DELAY)
        old = self.rule(1)
        kept = self.x.rules[old[0]]
        self.run_job(1, "newts")
        self.lives(3 * DELAY)
        self.assertNotIn(old[0], self.x.rules)
        self.x.rules[old[0]], self.x.since[old[0]] = kept, 0.0
        self.x.stays = {old[0]}
        with capturedLogs():
            for number in range(100):
                self.peer.says(post(number, old))
                self.goes(1)
        self.assertIn("delete", self.x.asked)
        self.assertEqual(self.disk.stored("cats"), [])

    def test_a_rule_that_only_has_a_tag(self) -> None:
        """It is named by that."""
        self.stream(1)
        with capturedLogs() as events:
            self.peer.says(b"".join(post(n, ("", f"tag {n % 2}")) for n in range(4)))
        first, second = warnings(events)
        self.assertIn("the rule tagged 'tag 0'", first)
        self.assertIn("the rule tagged 'tag 1'", second)

    def test_in_one_line(self) -> None:
        """Whatever stands in an id, a tag or a value, and however long that is."""
        self.stream(1)
        self.x.rules["a\nb"] = PresentRule("a\nb", "v" * 2000, "x")
        self.x.since["a\nb"] = 0.0
        with capturedLogs() as events:
            self.peer.says(post(1, ("a\nb", "x")) + post(2, ("", "t\n" * 900)))
            self.lives(LISTING + FOREIGN_INTERVAL)
        self.assertEqual(len(warnings(events)), 2)
        for said in warnings(events):
            self.assertNotIn("\n", said)
            self.assertLess(len(said), 400)

    def test_the_last_moment(self) -> None:
        """A client that ends before X has told the text of a rule names it by its id."""
        self.stream(1)
        self.lives(30)
        self.peer.says(post(1, ("9", "x")) + post(2, ("9", "x")))
        with capturedLogs() as events:
            self.restart()
        (said,) = warnings(events)
        self.assertIn("2 posts, US$0.010, of rule '9'", said)

    def test_without_end(self) -> None:
        """No more rules than so many are remembered, and the others are named together."""
        self.stream(1)
        with capturedLogs() as events:
            for number in range(MOST_RULES + 50):
                self.peer.says(post(number, (f"r{number}", "x")))
            self.lives(LISTING + FOREIGN_INTERVAL)
        said = warnings(events)
        self.assertTrue(MOST_RULES < len(said) <= MOST_RULES + 2, len(said))
        self.assertEqual(sum("other rules" in text for text in said), len(said) - MOST_RULES)
        settle(self.clock)
