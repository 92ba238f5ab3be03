"""Where posts go, by the rules that they matched: to jobs whose rules are ours and in force."""

from twisted.trial.unittest import SynchronousTestCase

from tcclient.sources.twitter_v2.rules.inventory import Inventory
from tcclient.sources.twitter_v2.rules.ruleset import PresentRule, RulesBefore, plan
from tests.sources.twitter_v2.xrules import DELAY, OURS

THEIRS = "tcc:fedcba987654.0123abcd:17"


class RouteTests(SynchronousTestCase):
    """From the rules that a post matched to jobs."""

    def setUp(self) -> None:
        self.inventory = Inventory(OURS, DELAY, 0.0)
        self.inventory.see([PresentRule("1", "a", OURS.tag(17)), PresentRule("2", "a", THEIRS)], 0)

    def to(self, *matching: tuple[str, str | None], at: float = 0.0) -> set[int]:
        """The jobs to which a post goes."""
        return set(self.inventory.route(matching, at))

    def supersede(self, wanted: dict[int, list[str]], now: float) -> None:
        """X has been asked for all that is wanted."""
        changes = plan(wanted, self.inventory.rules, OURS)
        self.inventory.supersede(changes, wanted, now, is_asked=False)

    def test_table(self) -> None:
        """(id, tag) pairs -> jobs; what is not ours leads to none."""
        for matching, jobs in (
            ([("1", OURS.tag(17))], {17}),
            ([("1", None)], {17}),
            ([("99", OURS.tag(4)), ("1", OURS.tag(17))], {4, 17}),
            ([("1", OURS.tag(17)), ("98", OURS.tag(17))], {17}),
            ([("2", THEIRS), ("3", None), ("77", "x")], set()),
            ([("2", None)], set()),
            ([("3", None), ("1", OURS.tag(17))], {17}),
            ([], set()),
        ):
            self.assertEqual(self.to(*matching), jobs, matching)

    def test_a_rule_that_the_ledger_has_and_x_does_not_call_ours(self) -> None:
        """It leads nowhere: nobody would delete it."""
        self.inventory.remember(17, RulesBefore((PresentRule("2", "a", THEIRS),)))
        self.inventory.remember(17, RulesBefore((PresentRule("2", "a"),)))
        self.assertEqual(self.to(("2", None), ("2", THEIRS)), set())

    def test_a_rule_that_is_replaced_and_cannot_be_deleted(self) -> None:
        """It leads nowhere once its successor has worked for the rule delay."""
        rules = [PresentRule("1", "a", OURS.tag(17)), PresentRule("3", "b", OURS.tag(17))]
        self.inventory.changed(17, 100.0)
        self.inventory.see(rules, 100.0)
        self.supersede({17: ["b"]}, 100.0)
        self.assertEqual(self.to(("1", None), at=100.0 + 2 * DELAY - 1), {17})
        self.assertEqual(self.to(("1", None), at=100.0 + 2 * DELAY), set())
        self.assertEqual(self.to(("3", None), at=100.0 + 2 * DELAY), {17})
        self.inventory.changed(17, 150.0)
        self.assertEqual(self.to(("1", None), at=150.0), set())
        self.supersede({17: ["a"]}, 150.0)
        self.assertEqual(self.to(("1", None), at=150.0), {17})

    def test_keywords_that_change_back_before_they_are_in_force(self) -> None:
        """The rule that was to be replaced stays as long as it brings what is wanted."""
        rules = [PresentRule("1", "a", OURS.tag(17)), PresentRule("3", "b", OURS.tag(17))]
        self.inventory.changed(17, 100.0)
        self.inventory.see(rules, 100.0)
        self.supersede({17: ["b"]}, 100.0)
        self.inventory.changed(17, 110.0)
        self.supersede({17: ["a OR c"]}, 110.0)
        self.assertEqual(self.to(("1", None), at=1000.0), {17})

    def test_a_rule_whose_successor_is_not_there_yet(self) -> None:
        """It is as good as ever."""
        self.inventory.changed(17, 100.0)
        self.supersede({17: ["b"]}, 100.0)
        self.assertEqual(self.to(("1", None), at=1000.0), {17})

    def test_a_rule_that_is_deleted(self) -> None:
        """Posts that it matched come for a while."""
        self.inventory.see([], 100.0)
        self.assertEqual(self.to(("1", None), at=101.0), {17})

    def test_a_rule_that_is_replaced_and_deleted(self) -> None:
        """Posts that it matched come until its successor has worked for the rule delay."""
        new = PresentRule("3", "b", OURS.tag(17))
        self.inventory.see([PresentRule("1", "a", OURS.tag(17)), new], 100.0)
        self.supersede({17: ["b"]}, 100.0)
        self.inventory.see([new], 100.0 + DELAY + 5)
        self.assertEqual(self.to(("1", None), at=100.0 + 2 * DELAY - 1), {17})
        self.assertEqual(self.to(("1", None), at=100.0 + 2 * DELAY), set())

    def test_a_rule_from_before_the_capture_was_stopped(self) -> None:
        """It leads nowhere unless it is wanted again."""
        self.inventory = Inventory(OURS, DELAY, 0.0)
        self.inventory.remember(17, RulesBefore(stale=frozenset({"1"})))
        self.inventory.see([PresentRule("1", "a", OURS.tag(17))], 0.0)
        self.assertEqual(self.to(("1", None)), set())
        self.assertEqual(self.inventory.serving(17, 0.0), [])
        self.supersede({17: ["a"]}, 0.0)
        self.assertEqual(self.to(("1", None)), {17})

    def test_a_rule_that_an_earlier_process_replaced(self) -> None:
        """Its successor has worked since the ledger says."""
        self.inventory = Inventory(OURS, DELAY, 1000.0)
        old, new = PresentRule("1", "a", OURS.tag(17)), PresentRule("3", "b", OURS.tag(17))
        self.inventory.remember(17, RulesBefore((old, new), {"1": -500.0, "3": -100.0}))
        self.inventory.see([old, new], 1000.0)
        self.supersede({17: ["b"]}, 1000.0)
        self.assertEqual((self.to(("1", None), at=1000.0), self.to(("3", None))), (set(), {17}))

    def test_a_rule_that_was_replaced_before_keywords_changed_once_more(self) -> None:
        """It leads nowhere: what replaced it stays until the newest keywords are in force."""
        older, old = PresentRule("1", "a", OURS.tag(17)), PresentRule("3", "b", OURS.tag(17))
        new = PresentRule("4", "c", OURS.tag(17))
        before = RulesBefore((older, old), {"1": -500.0, "3": -100.0}, replaced={"1": -100.0})
        for is_seen_first in (False, True):
            self.inventory = Inventory(OURS, DELAY, 1000.0)
            if is_seen_first:
                self.inventory.see([older, old], 1000.0)
            self.inventory.remember(17, before)
            self.inventory.see([older, old], 1000.0)
            self.supersede({17: ["c"]}, 1000.0)
            self.assertEqual((self.to(("1", None), at=1000.0), self.to(("3", None))), (set(), {17}))
            self.inventory.see([older, old, new], 1001.0)
            self.supersede({17: ["c"]}, 1001.0)
            self.assertEqual(self.to(("1", None), at=1002.0), set())
            self.assertEqual(self.to(("3", None), at=1001.0 + 2 * DELAY - 1), {17})
            self.assertEqual(self.to(("3", None), at=1001.0 + 2 * DELAY), set())

    def test_a_rule_that_was_replaced_and_is_wanted_again(self) -> None:
        """It leads to its job, whatever the ledger says."""
        self.inventory = Inventory(OURS, DELAY, 1000.0)
        old, new = PresentRule("1", "a", OURS.tag(17)), PresentRule("3", "b", OURS.tag(17))
        before = RulesBefore((old, new), {"1": -500.0, "3": -100.0}, replaced={"1": -100.0})
        self.inventory.remember(17, before)
        self.inventory.see([old, new], 1000.0)
        self.supersede({17: ["a"]}, 1000.0)
        self.assertEqual(self.to(("1", None), at=5000.0), {17})

    def test_a_rule_whose_successor_is_to_come_when_keywords_change(self) -> None:
        """It leads nowhere once those have been in force for the rule delay, if that is sooner."""
        both = [PresentRule("1", "a OR b", OURS.tag(17)), PresentRule("2", "c", OURS.tag(17))]
        self.inventory.see(both, 0.0)
        self.inventory.changed(17, 100.0)
        self.inventory.see([*both, PresentRule("3", "d", OURS.tag(17))], 100.0)
        self.supersede({17: ["d"]}, 100.0)
        self.inventory.changed(17, 105.0)
        self.supersede({17: ["c"]}, 105.0)
        self.assertEqual(self.to(("1", None), at=105.0 + DELAY - 1), {17})
        self.assertEqual(self.to(("1", None), at=105.0 + DELAY), set())


class BeginningTests(SynchronousTestCase):
    """When the first posts of a job can come, after a restart."""

    def test_rules_that_an_earlier_process_left(self) -> None:
        """When the ledger says that the first works; what it says nothing of is taken to work."""
        rules = tuple(PresentRule(id, id, OURS.tag(17)) for id in ("1", "2"))
        for works, left, begins_in in (
            ({"1": 12.0, "2": 14.0}, rules, 12.0),
            ({"1": -500.0, "2": 14.0}, rules, 0.0),
            ({"1": 12.0}, rules[:1], 0.0),
        ):
            inventory = Inventory(OURS, DELAY, 1000.0)
            inventory.remember(17, RulesBefore(left, works))
            inventory.see(rules, 1000.0)
            self.assertEqual(inventory.begins_in(17, 1000.0), begins_in, works)

    def test_a_rule_that_no_ledger_has(self) -> None:
        """It was not known whose its posts are before X told of it."""
        for seen, works in ((1005.0, 1000.0 + DELAY), (1050.0, 1050.0)):
            inventory = Inventory(OURS, DELAY, 1000.0)
            inventory.see([PresentRule("1", "a", OURS.tag(17))], seen)
            self.assertEqual(inventory.complete_in(17, frozenset(), seen), works - seen)

    def test_rules_that_are_wanted_anew(self) -> None:
        """All that is wanted comes from the change on, however long they have worked."""
        inventory = Inventory(OURS, DELAY, 1000.0)
        inventory.see([PresentRule("1", "a", OURS.tag(17))], 1000.0)
        self.assertEqual(inventory.complete_in(17, frozenset(), 1100.0), DELAY - 100.0)
        inventory.changed(17, 1090.0)
        self.assertEqual(inventory.complete_in(17, frozenset(), 1100.0), -10.0)
