"""Behaviour of the rules at X: what is asked for and when, through failures, caps and restarts."""

from collections.abc import Mapping, Sequence, Set
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger.entries import RefusedTerm
from tcclient.runtime.backoff import Trouble
from tcclient.sources.twitter_v2.rules.api import Added
from tcclient.sources.twitter_v2.rules.book import Rulebook
from tcclient.sources.twitter_v2.rules.clauses import Clause, clauses
from tcclient.sources.twitter_v2.rules.keeping import LOOK_AGAIN
from tcclient.sources.twitter_v2.rules.ownership import Whose
from tcclient.sources.twitter_v2.rules.ruleset import PresentRule, RulesBefore
from tcclient.sources.twitter_v2.rules.wanted import RulePolicy
from tests import DEPTH
from tests.peers import clock_at, settle
from tests.sources.twitter_v2.xrules import DELAY, OURS, PREFIX, Api, XRules

LENGTH = 40
"""Characters of a rule: 24 without the spare ones, four or five short words."""
THEIRS = "tcc:fedc9876:"


def terms(text: str) -> tuple[Clause, ...]:
    """The clauses of a keyword text."""
    return clauses(text, LENGTH)[0]


class Notes:
    """Writes down what it hears of the rules, and when."""

    def __init__(self, x: XRules) -> None:
        self._x = x
        self.heard: list[tuple[float, str, int, list[str]]] = []
        self.refused: list[tuple[int, str, str]] = []
        self.failed: list[str] = []
        self.lacking: list[Set[int]] = []
        self.times_seen = 0
        self.held = self
        self.holds: list[bool] = []

    def note(self, *, held: bool) -> None:
        """Write down whether X has rules of ours."""
        self.holds.append(held)

    def rules_accepted(self, job_id: int, rules: Sequence[PresentRule]) -> None:
        """Write down their values."""
        self._hear("accepted", job_id, rules)

    def rules_deleted(self, job_id: int, rules: Sequence[PresentRule]) -> None:
        """Write down their values."""
        self._hear("deleted", job_id, rules)

    def terms_refused(self, job_id: int, refused: Sequence[RefusedTerm]) -> None:
        """Write down the terms and the reasons."""
        self.refused += [(job_id, term.term, term.reason) for term in refused]

    def others_seen(self, others: Mapping[Whose, Sequence[PresentRule]]) -> None:
        """Write down their ids."""
        self.others = {whose: [rule.id for rule in rules] for whose, rules in others.items()}

    def seen(self) -> None:
        """Count it."""
        self.times_seen += 1

    def rules_failed(self, reason: str, wait: float, lacking: Set[int]) -> None:
        """Write down the reason, and which jobs lack rules."""
        self.failed.append(reason)
        self.lacking.append(lacking)

    def _hear(self, what: str, job_id: int, rules: Sequence[PresentRule]) -> None:
        values = [rule.value for rule in rules]
        self.heard.append((self._x.clock.seconds(), what, job_id, values))


class RulebookTestCase(SynchronousTestCase):
    """An app in memory and its rulebook; when it is stopped nothing is left."""

    def setUp(self) -> None:
        self.clock = clock_at()
        self.x = XRules(self.clock)
        self.begin()
        self.addCleanup(self._end)

    def begin(self) -> None:
        """A process starts."""
        self.began = self.clock.seconds()
        self.notes = Notes(self.x)
        policy = RulePolicy(OURS, LENGTH, DELAY)
        self.book = Rulebook(Api(self.x), policy, self.notes, self.clock)

    def restart(self) -> None:
        """The process ends, however it is, and another one starts."""
        self.book.stop()
        self.begin()

    def _end(self) -> None:
        self.book.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        asked = len(self.x.asked)
        self.book.want(1, terms("late"))
        self.book.drop(1)
        settle(self.clock)
        self.assertEqual((self.clock.getDelayedCalls(), len(self.x.asked)), ([], asked))

    def want(self, job: int, text: str) -> None:
        self.book.want(job, terms(text))

    def goes(self, seconds: float, step: float = 0.25) -> None:
        """Time passes."""
        for _ in range(round(seconds / step)):
            self.clock.advance(step)

    def asked(self) -> list[str]:
        """The requests since the last time."""
        asked, self.x.asked = self.x.asked, []
        return asked

    def working(self, job: int) -> list[str]:
        """The values of a job's rules that work by now."""
        return [rule.value for rule in self.x.working(job)]

    def heard(self) -> list[tuple[float, str, int, list[str]]]:
        """What the listener has heard: (seconds since the start, what, job, values)."""
        return [(at - self.began, *rest) for at, *rest in self.notes.heard]


class ChangeTests(RulebookTestCase):
    """The rules follow what is wanted."""

    def test_rules_are_tried_and_added(self) -> None:
        """One pass, and the rules carry our tag."""
        self.want(1, "cats, dogs")
        self.assertEqual(self.asked(), ["read", "try", "add"])
        self.assertEqual(self.x.values(1), ["cats OR dogs"])
        self.assertEqual(self.heard(), [(0, "accepted", 1, ["cats OR dogs"])])

    def test_the_old_rule_stays_until_the_new_one_works(self) -> None:
        """`rule_delay` after the acceptance, not earlier; both moments are told."""
        self.want(1, "cats")
        self.goes(100)
        self.want(1, "dogs")
        self.goes(DELAY - 0.25)
        self.assertEqual(self.x.values(1), ["cats", "dogs"])
        self.goes(0.25)
        self.assertEqual(self.x.values(1), ["dogs"])
        self.assertEqual(
            self.heard(),
            [
                (0, "accepted", 1, ["cats"]),
                (100, "accepted", 1, ["dogs"]),
                (100 + DELAY, "deleted", 1, ["cats"]),
            ],
        )

    def test_whether_any_are_left(self) -> None:
        """It is said before the first is asked for, and after the last is gone."""
        self.x.holds("add")
        self.want(1, "cats")
        self.assertEqual((self.notes.holds, self.x.values()), ([False, True], []))
        self.x.lets_go()
        self.x.fails("delete", times=1)
        self.book.drop(1)
        self.assertTrue(all(self.notes.holds[1:]))
        self.goes(60)
        self.assertEqual((self.notes.holds[-1], self.x.values()), (False, []))

    def test_a_deletion_that_fails(self) -> None:
        """Whatever X answers to it, the log names the rules that stay."""
        self.want(1, "cats")
        for trouble in (Trouble.HTTP, Trouble.NETWORK):
            self.x.fails("delete", trouble=trouble, times=1)
            with capturedLogs() as events:
                self.book.drop(1)
                self.goes(120)
            (said,) = [formatEvent(e) or "" for e in events if e["log_level"].name == "warn"]
            self.assertIn("the deletion of 'cats' (10", said)
            self.assertEqual(self.x.values(1), [])
            self.want(1, "cats")

    def test_change_upon_change(self) -> None:
        """Each old rule waits for its own successor, and no longer than for that."""
        self.want(1, "cats")
        self.goes(100)
        for text in ("dogs", "cows"):
            self.want(1, text)
            self.goes(15)
        self.assertEqual(self.x.values(1), ["cows", "dogs"])
        self.goes(5)
        self.assertEqual(self.x.values(1), ["cows"])

    def test_a_change_while_the_one_before_is_asked_for(self) -> None:
        """The newest is asked for next; until one of them works, the oldest stays."""
        for kind in ("try", "add"):
            self.want(1, "cats")
            self.goes(100)
            self.x.holds(kind)
            self.want(1, "dogs")
            self.want(1, "cows")
            self.x.lets_go()
            self.goes(DELAY - 1)
            self.assertIn("cats", self.x.values(1))
            self.goes(2)
            self.assertEqual(self.x.values(1), ["cows"])

    def test_a_word_that_comes_back(self) -> None:
        """The old rule is all that brings it until the newest one works."""
        self.want(1, "ants, cats")
        self.goes(100)
        self.want(1, "dogs")
        self.goes(5)
        self.want(1, "cats, dogs")
        self.goes(DELAY - 0.25)
        self.assertIn("ants OR cats", self.working(1))
        self.goes(0.25)
        self.assertEqual(self.x.values(1), ["cats OR dogs"])

    def test_back_to_the_old_keywords(self) -> None:
        """The old rule is there still, and stays."""
        self.want(1, "cats")
        self.goes(100)
        self.want(1, "dogs")
        self.goes(5)
        self.asked()
        self.want(1, "cats")
        self.assertNotIn("add", self.asked())
        self.goes(2 * DELAY)
        self.assertEqual(self.x.values(1), ["cats"])

    def test_one_word_less(self) -> None:
        """What nothing has to replace goes at once."""
        self.want(1, "aaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbb")
        self.goes(100)
        self.want(1, "aaaaaaaaaaaaaaaaaaaaaaaa")
        self.assertEqual(self.x.values(1), ["aaaaaaaaaaaaaaaaaaaaaaaa"])

    def test_what_is_wanted_during_a_pass(self) -> None:
        """It is dealt with when the pass is over, and only the newest."""
        self.x.holds("read")
        self.want(1, "cats")
        for text in ("dogs", "cows", "rats"):
            self.want(2, text)
        self.x.lets_go()
        self.goes(1)
        self.assertEqual(self.x.values(), ["cats", "rats"])

    def test_a_job_that_stops_while_its_rules_are_tried(self) -> None:
        """None are added for it."""
        self.x.holds("try")
        self.want(1, "cats")
        self.book.drop(1)
        self.x.lets_go()
        self.assertEqual((self.x.values(), self.x.asked.count("add")), ([], 0))

    def test_something_wanted_because_of_what_is_heard(self) -> None:
        """The listener may want something when it hears of the rules; that makes no second pass."""
        passes: list[int] = []
        notes = self.notes

        def seen() -> None:
            notes.times_seen += 1
            if notes.times_seen == 1:
                self.want(2, "dogs")
            passes.append(len(self.x.asked))

        notes.seen = seen
        self.want(1, "cats")
        self.assertEqual(self.x.values(), ["cats", "dogs"])
        self.assertEqual(self.x.asked.count("add"), 1)

    def test_nothing_new(self) -> None:
        """The same again costs one look."""
        self.want(1, "cats")
        self.asked()
        self.want(1, "cats")
        self.assertEqual(self.asked(), ["read"])


class StopTests(RulebookTestCase):
    """A job that ends."""

    def test_its_rules_go_at_once(self) -> None:
        """And nobody else's."""
        self.x.has("theirs", "somebody's")
        self.want(1, "cats")
        self.want(2, "dogs")
        self.book.drop(1)
        self.assertEqual(self.x.values(), ["dogs", "theirs"])
        self.assertEqual(self.notes.heard[-1][1:], ("deleted", 1, ["cats"]))

    def test_they_go_although_another_job_has_no_room(self) -> None:
        """They may be the room that it needs."""
        self.x.cap = 2
        self.want(1, "cats")
        self.want(2, "dogs")
        self.want(3, "cows")
        self.assertEqual(self.x.values(), ["cats", "dogs"])
        self.book.drop(1)
        self.assertEqual(self.x.values(), ["cows", "dogs"])

    def test_stopped_and_started_again_at_once(self) -> None:
        """The rules that are there are not deleted behind its back."""
        self.want(1, "cats")
        self.want(2, "dogs")
        self.goes(100)
        self.x.holds("try")
        self.want(3, "cows")
        self.book.drop(1)
        self.want(1, "cats")
        self.x.lets_go()
        self.goes(1)
        self.assertEqual(self.working(1), ["cats"])

    def test_started_again_while_others_are_tried(self) -> None:
        """A job of an earlier process, wanted while the pass that would clean up is under way."""
        self.x.has("cats", job=1)
        self.x.holds("read")
        self.want(2, "dogs")
        self.want(1, "cats")
        self.x.lets_go()
        self.goes(1)
        self.assertEqual(self.working(1), ["cats"])

    def test_stop_during_any_request(self) -> None:
        """Nothing is asked, said, logged or waited for afterwards."""
        for kind in ("read", "try", "add", "delete"):
            with self.subTest(kind=kind), capturedLogs() as logs:
                self.x.holds(kind)
                self.want(1, "cats")
                if kind == "delete":
                    self.book.drop(1)
                self.assertEqual(self.x.waiting, 1)
                self.book.stop()
                self.assertEqual((self.x.waiting, self.clock.getDelayedCalls()), (0, []))
                self.assertEqual(logs, [])
            self.x.lets_go()
            self.begin()

    def test_stop_where_the_end_of_a_request_looks_like_a_failure(self) -> None:
        """No next try is planned."""
        self.x.slow = 5.0
        self.want(1, "cats")
        serve = self.x._serve

        async def failing(kind: str, act: Any) -> Any:
            try:
                return await serve(kind, act)
            except CancelledError:
                self.x.slow = None
                self.x.fails()
                return await serve(kind, act)

        self.x._serve = failing
        self.book.drop(1)
        self.goes(5)
        self.want(1, "cats")
        with capturedLogs() as logs:
            self.book.stop()
        self.assertEqual((self.clock.getDelayedCalls(), logs), ([], []))


class RestartTests(RulebookTestCase):
    """What an earlier process left."""

    def test_rules_that_are_there_are_used(self) -> None:
        """One look, and the listener knows."""
        self.x.has("cats OR dogs", job=1)
        self.want(1, "dogs, cats")
        self.assertEqual(self.asked(), ["read"])
        self.assertEqual([rule.value for rule in self.book.rules_of(1)], ["cats OR dogs"])
        self.assertEqual(self.heard(), [])

    def test_the_listener_sees_them_before_the_others_are_added(self) -> None:
        """A connection can be opened at once."""
        self.x.has("cats", job=1)
        self.x.holds("try")
        self.want(1, "cats")
        self.want(2, "dogs")
        self.assertEqual(self.x.asked.count("add"), 0)
        self.assertGreater(self.notes.times_seen, 0)
        self.assertTrue(self.book.rules_of(1))
        self.x.lets_go()

    def test_a_crash_between_adding_and_deleting(self) -> None:
        """How long the new rule has been there is not known: the old one stays for the delay."""
        self.x.has("old", job=1)
        self.x.has("new", job=1)
        self.begin()
        self.want(1, "new")
        self.goes(DELAY - 0.25)
        self.assertEqual(self.x.values(1), ["new", "old"])
        self.goes(0.25)
        self.assertEqual(self.x.values(1), ["new"])

    def test_the_answer_to_an_addition_is_lost(self) -> None:
        """It counts from when it was seen: the old rule must not go before the new one works."""
        self.want(1, "cats")
        self.goes(100)
        self.x.fails("add", times=1, done=True)
        self.want(1, "dogs")
        self.goes(DELAY)
        self.assertEqual(self.x.values(1), ["cats", "dogs"])
        self.goes(1)
        self.assertEqual(self.x.values(1), ["dogs"])
        self.assertEqual(
            [(what, values) for _, what, _, values in self.heard()][1:],
            [("accepted", ["dogs"]), ("deleted", ["cats"])],
        )

    def test_the_answer_to_a_deletion_is_lost(self) -> None:
        """The account has it all the same."""
        self.want(1, "cats")
        self.goes(100)
        self.x.fails("delete", times=1, done=True)
        with capturedLogs() as logs:
            self.want(1, "dogs")
            self.goes(30)
        self.assertEqual([heard[1] for heard in self.heard()], ["accepted", "accepted", "deleted"])
        self.assertFalse([log for log in logs if "has deleted" in log["log_format"]])

    def test_a_job_that_was_stopped_meanwhile(self) -> None:
        """Its rules go although nobody wants anything."""
        self.x.has("cats", job=1)
        self.x.has("theirs", "theirs")
        self.book.forget(1)
        self.assertEqual(self.x.values(), ["theirs"])
        self.asked()
        self.book.forget(1)
        self.assertEqual(self.asked(), [])

    def test_rules_that_cannot_be_read(self) -> None:
        """What an earlier process left is taken to be there, until they can be."""
        id = self.x.has("cats", job=1)
        self.x.fails("read")
        self.book.remember(1, RulesBefore((PresentRule(id, "cats"), PresentRule("7", "dogs"))))
        self.want(1, "cats")
        self.assertEqual([rule.id for rule in self.book.rules_of(1)], [id, "7"])
        self.assertEqual(self.book.begins_in(1), 0.0)
        self.assertGreater(self.notes.times_seen, 0)
        self.assertEqual(self.notes.lacking, [set()])
        self.x.recovers()
        self.goes(60)
        self.assertEqual([rule.id for rule in self.book.rules_of(1)], [id])
        self.assertEqual([what for _, what, _, _ in self.heard()], ["deleted"])

    def test_a_rule_that_x_keeps(self) -> None:
        """It counts as there, is named, and is tried again at longer waits until it is gone."""
        self.want(1, "cats")
        (id,) = self.x.rules
        self.x.stays = {id}
        self.asked()
        self.want(1, "dogs")
        with capturedLogs() as logs:
            self.goes(DELAY)
            self.goes(900)
        said = [formatEvent(log) or "" for log in logs if log["log_level"].name == "warn"]
        self.assertEqual(len(said), 1, said)
        for words in ("'cats'", id):
            self.assertIn(words, said[0])
        self.assertIn("'cats'", self.notes.failed[-1])
        self.assertEqual([what for _, what, _, _ in self.heard()], ["accepted", "accepted"])
        tries = self.asked().count("delete")
        self.assertTrue(3 <= tries <= 15, tries)
        self.assertEqual(self.working(1), ["cats", "dogs"])
        self.x.stays = set()
        self.goes(900)
        self.assertEqual(self.heard()[-1][1:], ("deleted", 1, ["cats"]))
        self.assertEqual(self.x.values(), ["dogs"])

    def test_it_does_not_hold_up_others(self) -> None:
        """What is new is asked for at once, and what may go goes."""
        self.want(1, "cats")
        self.want(2, "dogs")
        (cats, _) = self.x.rules
        self.x.stays = {cats}
        self.book.drop(1)
        self.book.drop(2)
        self.assertEqual(self.x.values(), ["cats"])
        self.want(3, "eels")
        self.assertEqual(self.x.values(), ["cats", "eels"])

    def test_the_last_one(self) -> None:
        """When nothing is wanted any more it is tried again too, and then no more."""
        self.want(1, "cats")
        self.x.stays = set(self.x.rules)
        with capturedLogs() as logs:
            self.book.drop(1)
        self.assertIn("'cats'", formatEvent(logs[0]) or "")
        self.goes(60)
        self.x.stays = set()
        self.goes(600)
        self.assertEqual(self.x.values(), [])
        self.asked()
        self.goes(2000)
        self.assertEqual(self.asked(), [])

    def test_rules_that_cannot_be_read_and_nothing_is_known(self) -> None:
        """Whoever wants something is without a rule."""
        self.x.fails("read")
        self.want(1, "cats")
        self.assertEqual((self.book.rules_of(1), self.notes.lacking), ([], [{1}]))

    def test_jobs_that_are_not_wanted_any_more(self) -> None:
        """Their rules go with the first pass; other clients' and foreign ones stay."""
        self.x.has("cats", job=1)
        self.x.has("dogs", job=2)
        self.x.has("theirs", THEIRS + "1")
        self.x.has("foreign", "my own")
        self.x.has("untagged")
        self.x.has("like ours", PREFIX + "x")
        self.want(1, "cats")
        self.goes(2000)
        self.assertEqual(self.x.values(), ["cats", "foreign", "like ours", "theirs", "untagged"])

    def test_no_job_no_request(self) -> None:
        """Nothing is asked before anything is wanted."""
        self.x.has("cats", job=1)
        self.book.drop(1)
        self.goes(2000)
        self.assertEqual(self.asked(), [])


class FailureTests(RulebookTestCase):
    """X or the network does not do what is asked."""

    def test_the_network_is_away(self) -> None:
        """Tried again by the ramp, said once, and once that it is over."""
        self.x.fails()
        with capturedLogs() as logs:
            self.want(1, "cats")
            self.goes(60)
            self.assertLess(len(self.asked()), 30)
            self.x.recovers()
            self.goes(20)
        self.assertEqual(self.x.values(1), ["cats"])
        said = [log["log_format"] for log in logs]
        self.assertEqual(len(said), 2)
        self.assertIn("again", said[1])
        self.assertEqual(len(self.notes.failed), 1)
        # Whoever has given it: maybe a proxy.
        self.assertIn(" The answer says: 'so it is'.", self.notes.failed[0])

    def test_a_rate_limit_is_respected(self) -> None:
        """Not even what is wanted meanwhile leads to a request; then all of it is done."""
        self.x.fails("read", trouble=Trouble.RATE_LIMIT, times=1, at_least=600.0)
        self.want(1, "cats")
        self.asked()
        for second in range(598):
            self.want(1, f"cats, word{second}")
            self.want(2, "dogs")
            self.book.drop(2)
            self.goes(1, 1)
        self.assertEqual(self.asked(), [])
        self.goes(3)
        self.assertEqual(self.x.values(), ["cats OR word597"])

    def test_each_request_can_be_limited(self) -> None:
        """Nothing is lost, whichever it is."""
        for kind in ("read", "try", "add", "delete"):
            with self.subTest(kind=kind):
                self.want(1, f"cats{kind}")
                self.goes(2 * DELAY)
                self.x.fails(kind, trouble=Trouble.RATE_LIMIT, times=1, at_least=100.0)
                self.want(1, f"dogs{kind}")
                before = f"cats{kind}" in self.x.values(1)
                self.assertTrue(before)
                self.goes(200)
                self.assertEqual(self.x.values(1), [f"dogs{kind}"])

    def test_what_somebody_has_to_put_right(self) -> None:
        """401 and the like: rarely asked again, but at once for other keywords."""
        self.x.fails("read", trouble=Trouble.REFUSED)
        self.want(1, "cats")
        self.goes(3600, 1)
        self.assertLess(len(self.asked()), 15)
        self.x.recovers()
        self.want(1, "dogs")
        self.assertEqual(self.x.values(1), ["dogs"])

    def test_failures_in_turn_do_not_end_the_ramp(self) -> None:
        """A request that succeeds proves nothing as long as the pass does not."""
        self.x.fails("add", trouble=Trouble.HTTP)
        self.want(1, "cats")
        self.goes(3600, 1)
        self.assertLess(len(self.asked()), 60)

    def test_a_fault_of_ours(self) -> None:
        """It is logged, nothing reaches the reactor, and there is a next try."""
        notes = self.notes

        def broken(*_: object) -> None:
            raise ZeroDivisionError

        notes.rules_accepted = broken
        self.want(1, "cats")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.x.loses(*self.x.rules)
        del notes.rules_accepted
        self.goes(LOOK_AGAIN + 1)
        self.assertEqual(self.x.values(1), ["cats"])

    def test_slow_answers(self) -> None:
        """All that was wanted meanwhile is there in the end."""
        self.x.slow = 3.0
        for number in range(20):
            self.want(number % 3, f"word{number}")
            self.goes(1)
        self.goes(100)
        self.assertEqual(self.x.values(), ["word17", "word18", "word19"])

    def test_somebody_deletes_our_rules(self) -> None:
        """That is seen in time, said, and put right; a look can be asked for too."""
        self.want(1, "cats")
        for wait in (LOOK_AGAIN + 1, 0):
            self.x.loses(*self.x.rules)
            with capturedLogs() as logs:
                self.goes(wait)
                self.book.look()
            self.assertEqual(self.x.values(1), ["cats"])
            self.assertEqual(len(logs), 1)

    def test_requests_while_all_is_calm(self) -> None:
        """One look in a quarter of an hour."""
        self.want(1, "cats")
        self.asked()
        self.goes(24 * 3600, 60)
        self.assertEqual(len(self.asked()), 24 * 4)


class RefusalTests(RulebookTestCase):
    """X does not take a rule."""

    def test_one_bad_term_in_a_packed_rule(self) -> None:
        """It is found and named, and all others run."""
        self.x.bad = {"foul": "it is foul"}
        self.want(1, "cats, dogs, foul, rats")
        self.want(2, "cows")
        self.assertEqual(self.x.values(), ["cats OR dogs OR rats", "cows"])
        self.assertEqual(self.notes.refused, [(1, "foul", "X refuses it: it is foul")])
        self.assertLess(len(self.asked()), 12)

    def test_the_old_rule_stays_while_bad_terms_are_found(self) -> None:
        """It goes when what is left of the new ones works, not before X has been asked for it."""
        self.want(1, "cats")
        self.goes(100)
        self.x.bad = {"foul": "it is foul"}
        self.want(1, "foul, dogs")
        self.goes(DELAY - 0.25)
        self.assertEqual(self.x.values(1), ["cats", "dogs"])
        self.goes(0.25)
        self.assertEqual(self.x.values(1), ["dogs"])

    def test_the_old_rule_stays_while_keywords_change_again(self) -> None:
        """Also where they change while X tries those that came before."""
        self.want(1, "cats")
        self.goes(100)
        self.x.holds("try")
        self.want(1, "dogs")
        self.want(1, "cows")
        self.x.lets_go()
        settle(self.clock)
        self.goes(DELAY - 0.25)
        self.assertEqual(self.x.values(1), ["cats", "cows"])
        self.goes(0.25)
        self.assertEqual(self.x.values(1), ["cows"])

    def test_every_term_is_bad(self) -> None:
        """Then there is no rule, and no end of requests neither."""
        self.x.bad = dict.fromkeys(("a", "b", "c", "d"), "no")
        self.want(1, "a, b, c, d")
        self.goes(1000, 1)
        self.assertEqual((self.x.values(), len(self.notes.refused)), ([], 4))
        self.assertFalse(self.book.wants(1))
        self.assertLess(len(self.asked()), 8)

    def test_the_whole_is_refused_but_no_part_of_it(self) -> None:
        """Its terms become rules of their own; other rules stay packed."""
        self.x.refuses = lambda value: "too much" if "cats OR" in value else None
        text = "cats, dogs, rats, " + ", ".join(f"word{n}" for n in range(9))
        self.want(1, text)
        self.assertEqual(self.notes.refused, [])
        found = [word for value in self.x.values(1) for word in value.split(" OR ")]
        self.assertEqual(sorted(found), sorted(clause.text for clause in terms(text)))
        self.assertIn("cats", self.x.values(1))
        self.assertLess(len(self.x.values(1)), len(found))
        self.assertLess(len(self.asked()), 12)

    def test_everything_is_refused_with_company(self) -> None:
        """X takes no OR at all."""
        self.x.refuses = lambda value: "no OR" if " OR " in value else None
        self.want(1, ", ".join(f"word{n}" for n in range(12)))
        self.assertEqual(len(self.x.values(1)), 12)
        self.assertLess(len(self.asked()), 60)

    def test_refusals_out_of_all_reason(self) -> None:
        """Whatever X says, requests have an end."""
        random = Random(1)
        self.x.refuses = lambda value: random.choice([None, "hm"])
        self.want(1, ", ".join(f"word{n}" for n in range(40)))
        self.goes(3600, 1)
        self.assertLess(len(self.asked()), 300)

    def test_a_refusal_of_what_nobody_sent(self) -> None:
        """No end of requests either; the next keywords are tried at once."""
        attempt = self.x._refused
        self.x._refused = lambda rules: {"something else": "no"}
        self.want(1, "cats")
        self.goes(3600, 1)
        self.assertLess(len(self.asked()), 60)
        self.x._refused = attempt
        self.want(1, "dogs")
        self.assertEqual(self.x.values(1), ["dogs"])

    def test_a_term_is_not_blamed_for_the_keywords_before(self) -> None:
        """The text changes while X still looks at the last one, in which something is bad."""
        self.x.bad = {"foul": "it is foul"}
        self.x.holds("try")
        self.want(1, "cats, foul")
        self.want(1, "cats, mice, rats")
        self.x.lets_go()
        self.goes(1)
        self.assertEqual(self.x.values(1), ["cats OR mice OR rats"])
        self.assertEqual(self.notes.refused, [])

    def test_one_term_left_of_bad_keywords(self) -> None:
        """The same, where one word is all that both texts share."""
        self.x.bad = {"foul": "it is foul"}
        self.x.holds("try")
        self.want(1, "cats, foul")
        self.want(1, "cats")
        self.x.lets_go()
        self.goes(1)
        self.assertEqual((self.x.values(1), self.notes.refused), (["cats"], []))

    def test_words_within_words(self) -> None:
        """A term that is a part of a bad one is none."""
        self.x.bad = {"catsfoul": "it is foul"}
        self.want(1, "cats, catsfoul, a, f")
        self.assertEqual(self.x.values(1), ["a OR cats OR f"])
        self.assertEqual([term for _, term, _ in self.notes.refused], ["catsfoul"])

    def test_a_bad_phrase_that_somebody_has(self) -> None:
        """Its rule is in parentheses more; the others are not held up by it."""
        self.x.has("(foul play)", "theirs")
        self.x.bad = {"foul": "it is foul"}
        self.want(1, "foul play")
        self.want(2, "play, cats")
        self.goes(10)
        self.assertEqual((self.x.values(1), self.x.values(2)), ([], ["cats OR play"]))
        self.assertEqual([term for _, term, _ in self.notes.refused], ["foul play"])

    def test_refused_in_earnest_only(self) -> None:
        """X tries a rule and takes it, and then does not: the ramp, and no blame."""
        self.x._add = lambda rules: Added((), {rules[0].value: "on second thoughts"})
        with capturedLogs() as logs:
            self.want(1, "cats")
            self.goes(3600, 1)
        self.assertLess(len(self.asked()), 60)
        self.assertEqual(len(logs), 1)


class RoomTests(RulebookTestCase):
    """The app has rules of others, or too many."""

    def test_somebody_has_the_same_rule(self) -> None:
        """Ours stands beside it, in parentheses."""
        self.x.has("cats", "theirs")
        self.want(1, "cats")
        self.assertEqual(self.x.values(1), ["(cats)"])

    def test_somebody_adds_the_same_rule_meanwhile(self) -> None:
        """X creates none; the next look sees why."""

        def quicker(kind: str) -> None:
            if kind == "add" and "cats" not in self.x.values():
                self.x.has("cats", "theirs")

        self.x.before = quicker
        self.want(1, "cats")
        self.assertEqual(self.x.values(1), [])
        said = "1 rule was not created (X has a rule with the same text already, "
        self.assertEqual(self.notes.failed, [f"{said}and calls it a DuplicateRule)."])
        self.goes(10)
        self.assertEqual(self.x.values(1), ["(cats)"])

    def test_a_duplicate_that_cannot_be_seen(self) -> None:
        """The requests have an end, and the others run."""
        self.want(2, "dogs")
        create = self.x._add

        def add(rules: Any) -> Any:
            return create([rule for rule in rules if "cats" not in rule.value])

        self.x._add = add
        self.asked()
        self.want(1, "cats")
        self.want(3, "cows")
        self.goes(3600, 1)
        self.assertEqual(self.x.values(), ["cows", "dogs"])
        self.assertLess(len(self.asked()), 80)

    def test_the_cap(self) -> None:
        """What is there stays, it is said once, and room that appears is used."""
        self.x.cap = 2
        self.want(1, "cats")
        self.x.has("foreign")
        with capturedLogs() as logs:
            self.want(2, "dogs")
            self.goes(3600, 1)
            self.assertLess(len(self.asked()), 50)
            self.assertEqual(self.x.values(), ["cats", "foreign"])
            self.assertEqual(len(logs), 1)
            self.x.cap = 3
            self.goes(400)
        self.assertEqual(self.x.values(), ["cats", "dogs", "foreign"])

    def test_room_for_some(self) -> None:
        """They are used one after the other, as room appears: nobody waits for what never fits."""
        self.x.cap = 3
        self.want(1, "cats")
        self.goes(100)
        self.want(1, "cats, dogs")
        self.want(2, "cows")
        self.want(3, "pigs")
        self.goes(DELAY + 1)
        self.assertEqual(self.x.values(), ["cats OR dogs", "cows", "pigs"])

    def test_two_changes_at_the_cap(self) -> None:
        """One of them fits, and makes room for the other when it works."""
        self.x.cap = 2
        self.want(1, "cats")
        self.goes(100)
        self.x.holds()
        self.want(1, "cats, dogs")
        self.want(2, "cows")
        self.x.lets_go()
        self.goes(DELAY + 10)
        self.assertEqual(self.x.values(), ["cats OR dogs", "cows"])

    def test_who_has_no_rule_at_the_cap(self) -> None:
        """The listener is told."""
        self.x.cap = 1
        self.want(1, "cats")
        self.want(2, "cows")
        self.assertEqual(self.notes.lacking, [{2}])

    def test_new_keywords_at_the_cap(self) -> None:
        """The old rules make room for the new ones: there is no other."""
        self.x.cap = 1
        self.want(1, "cats")
        self.goes(100)
        self.want(1, "dogs")
        self.goes(1)
        self.assertEqual(self.x.values(), ["dogs"])

    def test_new_keywords_at_the_cap_that_share_a_word(self) -> None:
        """What is still wanted stays: no room is made at its cost, and the log says so."""
        self.x.cap = 1
        self.want(1, "cats, dogs")
        self.goes(100)
        with capturedLogs() as logs:
            self.want(1, "cats, cows")
            self.goes(3600, 1)
        self.assertEqual(self.x.values(), ["cats OR dogs"])
        self.assertEqual(len(logs), 1)
        self.assertLess(len(self.asked()), 50)

    def test_some_of_the_rules_are_created(self) -> None:
        """Those count, and the old rules that are not needed for the others go in time."""
        self.want(1, "cats")
        self.goes(100)
        create = self.x._add
        self.x._add = lambda rules: create(rules[:1])
        self.want(1, "aaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbb")
        self.assertEqual(len(self.x.values(1)), 2)
        self.goes(100)
        self.assertEqual(len(self.x.values(1)), 2)
        self.assertNotIn("cats", self.x.values(1))


class LimitTests(RulebookTestCase):
    """X takes shorter rules, or fewer, than the settings say."""

    TERMS = tuple(
        f"{'abcdefghij'[n % 10]}word number{n:03d} of a list like others" for n in range(150)
    )

    def begin(self) -> None:
        """A process starts, and assumes X's usual length."""
        super().begin()
        policy = RulePolicy(OURS, 1024, DELAY)
        self.book = Rulebook(Api(self.x), policy, self.notes, self.clock)

    def held(self) -> set[str]:
        """The clauses that X has."""
        return {clause for value in self.x.values(1) for clause in value.split(" OR ")}

    def test_length_and_number(self) -> None:
        """All terms are held, within a few requests, and the log names the setting once."""
        for length, cap in ((512, 25), (512, 18), (1024, 9), (200, 1000)):
            self.restart()
            self.x.rules.clear()
            self.x.asked.clear()
            self.x.cap = cap
            words = f"Rules must be at most {length} characters long"
            self.x.refuses = lambda value, n=length, why=words: why if len(value) > n else None
            wanted, _ = clauses(",".join(self.TERMS), 1024)
            with capturedLogs() as logs:
                self.book.want(1, wanted)
                self.goes(60)
            self.assertEqual(self.held(), {clause.text for clause in wanted}, (length, cap))
            self.assertEqual(self.notes.refused, [])
            self.assertLessEqual(len(self.x.asked), 20)
            said = [formatEvent(event) or "" for event in logs]
            named = [line for line in said if "twitter.rule_length: " in line]
            self.assertEqual(bool(named), length < 1024, said)

    def test_no_room_for_all(self) -> None:
        """What X has no rule for is known, with the reason, until there is room."""
        self.x.cap = 2
        wanted, _ = clauses(",".join(self.TERMS), 1024)
        self.book.want(1, wanted)
        self.goes(60)
        lacking = self.book.terms_lacking(1)
        assert lacking is not None
        self.assertEqual(lacking.number, len(self.TERMS) - len(self.held()))
        self.assertEqual(lacking.reason, "the answer was 422 (the cap is reached)")
        self.assertIsNone(self.book.terms_lacking(2))
        self.x.cap = 25
        self.goes(700)
        self.assertIsNone(self.book.terms_lacking(1))

    def test_a_length_that_x_names(self) -> None:
        """Rules are as long as X takes them, which can be what all terms need."""
        for words in (
            "Rules must be at most 300 characters long, this one has 1003",
            "Rule is too long: max length 300",
            "'number 200 of' etc.: length must not exceed 300",
        ):
            self.restart()
            self.x.rules.clear()
            self.x.asked.clear()
            self.x.cap = 25
            self.x.refuses = lambda value, why=words: why if len(value) > 300 else None
            wanted, _ = clauses(",".join(self.TERMS), 1024)
            with capturedLogs() as logs:
                self.book.want(1, wanted)
                self.goes(60)
            self.assertEqual(self.held(), {clause.text for clause in wanted}, words)
            self.assertLessEqual(len(self.x.asked), 20)
            said = " ".join(formatEvent(event) or "" for event in logs)
            self.assertIn("twitter.rule_length: 300 ", said)

    def test_a_length_that_x_names_wrongly(self) -> None:
        """Then rules are made half as long, as where it names none."""
        words = "Rules must have less than 900 characters"
        self.x.refuses = lambda value: words if len(value) > 300 else None
        wanted, _ = clauses(",".join(self.TERMS), 1024)
        self.book.want(1, wanted)
        self.goes(60)
        self.assertEqual(self.held(), {clause.text for clause in wanted})
        self.assertLessEqual(len(self.x.asked), 20)

    def test_reasons_that_are_not_of_length(self) -> None:
        """The term is found, and rules stay as long as they are, whatever X quotes of the term."""
        for reason in (
            "Invalid character at position 3",
            "Reference to invalid operator 'length' (at position 2)",
            "Reference to invalid field 'don't be too long' (at position 2)",
            'no viable alternative at input "9 characters long"',
        ):
            self.restart()
            self.x.rules.clear()
            self.notes.refused.clear()
            self.x.bad = {"number007": reason}
            self.book.want(1, clauses(",".join(self.TERMS), 1024)[0])
            self.goes(60)
            self.assertEqual(len(self.notes.refused), 1, reason)
            self.assertEqual(len(self.held()), len(self.TERMS) - 1)
            self.assertGreater(max(map(len, self.x.values(1))), 512, reason)

    def test_a_term_that_is_too_long(self) -> None:
        """It is left out with X's reason, and the others keep their rules."""
        words = "Rules must be at most 512 characters long"
        self.x.refuses = lambda value: words if len(value) > 512 else None
        self.book.want(1, (Clause("cats", "cats"), Clause("long", "x" * 600)))
        self.goes(60)
        self.assertEqual(self.x.values(1), ["cats"])
        self.assertEqual(self.notes.refused, [(1, "long", f"X refuses it: {words}")])


WORDS = ("anteaters", "bees", "cats", "dogs", "eels")
texts = st.sets(st.sampled_from(WORDS), min_size=1).map(lambda words: ", ".join(sorted(words)))
jobs = st.sampled_from([1, 1, 2])
troubles = st.sampled_from([Trouble.NETWORK, Trouble.HTTP, Trouble.RATE_LIMIT, Trouble.REFUSED])
kinds = st.sampled_from([(), ("read",), ("try",), ("add",), ("add",), ("delete",)])
wanted = st.one_of(
    st.tuples(st.just("want"), jobs, texts),
    st.tuples(st.just("want"), jobs, texts),
    st.tuples(st.just("want"), jobs, texts),
    st.tuples(st.just("drop"), jobs),
    st.tuples(st.just("restart")),
)
faults = st.one_of(
    st.none(),
    st.none(),
    st.tuples(st.just("fail"), kinds, troubles, st.integers(1, 3), st.booleans()),
    st.tuples(st.just("fail"), st.just(("add",)), troubles, st.just(1), st.just(True)),
    st.tuples(st.just("slow"), st.sampled_from([None, None, 0.0, 0.5, 7.0])),
    st.tuples(st.just("foreign"), st.sampled_from(WORDS)),
)
times = st.tuples(st.just("time"), st.sampled_from([0.0, 1.0, 5.0, 12.0, 20.0, 30.0, 30.0, 400.0]))
moves = st.lists(st.tuples(faults, wanted, times), max_size=9).map(
    lambda turns: [move for turn in turns for move in turn if move is not None]
)


class ModelTests(SynchronousTestCase):
    """Any sequence of keywords, failures and restarts."""

    @given(moves)
    @how(max_examples=100 * DEPTH)
    def test_rules_follow_what_is_wanted(self, moves: list[tuple[Any, ...]]) -> None:
        """
        When all is calm X has exactly what is wanted, beside what others have.  Before that, a
        clause that a working rule had once is never without one as long as it is wanted.
        """
        world = World(self)
        for name, *arguments in moves:
            getattr(world, name)(*arguments)
            world.check()
        world.calm()


class World:
    """The rulebook under test, its surroundings, and what should be so."""

    def __init__(self, test: SynchronousTestCase) -> None:
        self.test = test
        self.clock = clock_at()
        self.x = XRules(self.clock)
        self.wanted: dict[int, str] = {}
        self.served: dict[tuple[int, str], bool] = {}
        self.foreign_ids: set[str] = set()
        self._begin()

    def _begin(self) -> None:
        self.book = Rulebook(
            Api(self.x), RulePolicy(OURS, LENGTH, DELAY), Notes(self.x), self.clock
        )

    def want(self, job: int, text: str) -> None:
        self.wanted[job] = text
        words = text.split(", ")
        for known, word in list(self.served):
            if known == job and word not in words:
                del self.served[known, word]
        for word in words:
            self.served.setdefault((job, word), False)
        self.book.want(job, terms(text))

    def drop(self, job: int) -> None:
        self.wanted.pop(job, None)
        self.served = {key: had for key, had in self.served.items() if key[0] != job}
        self.book.drop(job)

    def time(self, seconds: float) -> None:
        step = 0.25 if seconds < 100 else 5.0
        for _ in range(round(seconds / step)):
            self.clock.advance(step)
            self.check()

    def fail(self, kinds: tuple[str, ...], trouble: Trouble, times: int, done: bool) -> None:
        self.x.fails(*kinds, trouble=trouble, times=times, done=done)

    def slow(self, seconds: float | None) -> None:
        self.x.slow = seconds

    def foreign(self, value: str) -> None:
        if value not in self.x.values():
            self.foreign_ids.add(self.x.has(value, "theirs"))

    def restart(self) -> None:
        self.book.stop()
        self.test.assertEqual(self.clock.getDelayedCalls(), [])
        self._begin()
        # The poll wants them all, at the same moment.
        slow, self.x.slow = self.x.slow, self.x.slow or 0.0
        for job, text in self.wanted.items():
            self.book.want(job, terms(text))
        self.x.slow = slow

    def check(self) -> None:
        """A rule on whose deletion X works already is there, and nothing to rely on."""
        for job in self.wanted:
            rules = self.x.working(job)
            words = {word for rule in rules for word in bare(rule.value)}
            firm = {w for r in rules if r.id not in self.x.doomed for w in bare(r.value)}
            for (owner, word), had in self.served.items():
                if owner == job:
                    self.test.assertFalse(had and word not in words, f"{word!r} of {job} is lost")
                    self.served[owner, word] = had or word in firm

    def calm(self) -> None:
        self.x.recovers()
        self.x.slow = None
        self.want(3, "cats")  # where nothing is wanted, nothing is asked
        self.time(4000)
        self.test.assertLess(len(self.x.asked), 1500)
        for job in (1, 2, 3):
            found = [word for value in self.x.values(job) for word in bare(value)]
            text = self.wanted.get(job)
            self.test.assertEqual(sorted(found), sorted(text.split(", ") if text else []))
        self.test.assertLessEqual(self.foreign_ids, set(self.x.rules))
        self.book.stop()
        self.test.assertEqual(self.clock.getDelayedCalls(), [])


def bare(value: str) -> list[str]:
    """The words of a rule in whatever parentheses."""
    return value.strip("()").split(" OR ")
