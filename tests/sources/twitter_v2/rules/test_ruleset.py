"""Behaviour of the rules of an app: whose they are, and what changes."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tcclient.sources.twitter_v2.rules.ownership import Ownership
from tcclient.sources.twitter_v2.rules.ruleset import (
    Changes,
    NewRule,
    PresentRule,
    plan,
)
from tcclient.storage.installation import Identity
from tests import DEPTH
from tests.sources.twitter_v2.xrules import OURS, PREFIX

THEIRS = Ownership(Identity("fedcba987654", "a948bfa0"))

pure = settings(derandomize=True, deadline=None, database=None, max_examples=100 * DEPTH)
values = st.sampled_from(["a", "A", "(a)", "((a))", "a OR b", "(a OR b)", "(b c)", '"é"', '"é"'])
jobs = st.integers(1, 3)
wants = st.dictionaries(jobs, st.lists(values, max_size=4), max_size=3)
tags = (
    st.none()
    | st.sampled_from(["mine", "tcc:", PREFIX, PREFIX + "x"])
    | st.builds(lambda whose, job: whose.tag(job), st.sampled_from([OURS, THEIRS]), jobs)
)
apps = st.dictionaries(values, tags, max_size=6).map(
    lambda rules: [PresentRule(str(n), v, t) for n, (v, t) in enumerate(rules.items(), start=95)]
)


class X:
    """The rules of one app: ids grow, and no value is there twice."""

    def __init__(self, rules: list[PresentRule]) -> None:
        self.rules = list(rules)
        self.last = max((int(rule.id) for rule in rules), default=0)

    def add(self, rule: NewRule) -> None:
        if any(rule.value == present.value for present in self.rules):
            raise AssertionError(f"DuplicateRule: {rule.value}")
        self.last += 1
        self.rules.append(PresentRule(str(self.last), rule.value, rule.tag))

    def make(self, changes: Changes) -> None:
        """Adds first, as the client does."""
        for rule in changes.add:
            self.add(rule)
        self.rules = [rule for rule in self.rules if rule.id not in changes.delete]

    def serves(self, wanted: dict[int, list[str]]) -> bool:
        """Whether each job has its values, each of them once, in whatever parentheses."""
        found = Counter((OURS.job_of(r.tag), bare(r.value)) for r in self.rules)
        asked = {(job, value) for job, texts in wanted.items() for value in texts}
        expected = Counter((job, bare(value)) for job, value in asked)
        return expected == Counter({key: n for key, n in found.items() if key[0] is not None})


def bare(value: str) -> str:
    while value.startswith("(") and value.endswith(")"):
        value = value[1:-1]
    return value


class PlanTests(SynchronousTestCase):
    """What to add and what to delete."""

    def test_add_keep_delete(self) -> None:
        """A new value, one that stays, one that goes, a job that stops."""
        present = [
            PresentRule("1", "a", OURS.tag(1)),
            PresentRule("2", "b", OURS.tag(1)),
            PresentRule("3", "c", OURS.tag(2)),
        ]
        self.assertEqual(
            plan({1: ["a", "d"]}, present, OURS),
            Changes((NewRule("d", OURS.tag(1)),), ("2", "3")),
        )

    def test_nothing_to_do(self) -> None:
        """Order makes no difference."""
        present = [PresentRule(str(n), v, OURS.tag(1)) for n, v in enumerate("ba")]
        self.assertEqual(plan({1: ["a", "b", "a"]}, present, OURS), Changes())

    def test_the_same_value_for_two_jobs(self) -> None:
        """X has a value once: the second job's stands in parentheses, and stays there."""
        changes = plan({1: ["a"], 2: ["a"], 3: ["a"]}, [], OURS)
        added = [
            NewRule("a", OURS.tag(1)),
            NewRule("(a)", OURS.tag(2)),
            NewRule("((a))", OURS.tag(3)),
        ]
        self.assertEqual(changes, Changes(tuple(added)))
        x = X([])
        x.make(changes)
        self.assertEqual(plan({2: ["a"], 3: ["a"]}, x.rules, OURS), Changes((), ("1",)))

    def test_a_job_starts_while_another_stops(self) -> None:
        """The value is free only after the old rule is deleted, so it is not used."""
        present = [PresentRule("1", "a", OURS.tag(1))]
        self.assertEqual(
            plan({2: ["a"]}, present, OURS), Changes((NewRule("(a)", OURS.tag(2)),), ("1",))
        )

    def test_somebody_else_has_the_value(self) -> None:
        """Ours differs, and theirs stays; so it does when X might think them the same."""
        for foreign in ("a", "A", " a"):
            for foreign_tag in (None, "mine", THEIRS.tag(1)):
                present = [PresentRule("1", foreign, foreign_tag)]
                self.assertEqual(
                    plan({1: ["a"]}, present, OURS), Changes((NewRule("(a)", OURS.tag(1)),))
                )

    def test_second_copies_go(self) -> None:
        """The shortest stays, and of equal ones the oldest, which X has taken up already."""
        present = [
            PresentRule("100", "a", OURS.tag(1)),
            PresentRule("99", "a", OURS.tag(1)),
            PresentRule("98", "(a)", OURS.tag(1)),
        ]
        self.assertEqual(plan({1: ["a"]}, present, OURS).delete, ("98", "100"))

    def test_case_is_not_nothing(self) -> None:
        """`or` is a word where `OR` is an operator: the old rule does not do."""
        present = [PresentRule("1", "(a or b)", OURS.tag(1))]
        changes = plan({1: ["(a OR b)"]}, present, OURS)
        self.assertEqual(changes, Changes((NewRule("((a OR b))", OURS.tag(1)),), ("1",)))

    def test_blanks_and_composition_are(self) -> None:
        """A value that X gives back in another writing is still there: nothing is done for ever."""
        present = [PresentRule("1", "caf\u00e9  OR\tb ", OURS.tag(1))]
        self.assertEqual(plan({1: ["cafe\u0301 OR b"]}, present, OURS), Changes())

    def test_parentheses_that_do_not_belong_together(self) -> None:
        """`(a) OR (b)` is not `a) OR (b` in parentheses, nor has it the other's place."""
        present = [PresentRule("1", "(a) OR (b)", OURS.tag(1))]
        self.assertEqual(plan({1: ["(a) OR (b)"]}, present, OURS), Changes())
        self.assertEqual(
            plan({1: ["((a) OR (b)"]}, present, OURS).add, (NewRule("((a) OR (b)", OURS.tag(1)),)
        )

    @pure
    @given(wants, apps)
    def test_it_is_done_at_once(self, wanted: dict[int, list[str]], app: list[PresentRule]) -> None:
        """Once the plan is carried out each job has what it wants, and nothing is left to do."""
        x = X(app)
        x.make(plan(wanted, x.rules, OURS))
        self.assertTrue(x.serves(wanted), x.rules)
        self.assertEqual(plan(wanted, x.rules, OURS), Changes())

    @pure
    @given(wants, apps)
    def test_after_half_of_it(self, wanted: dict[int, list[str]], app: list[PresentRule]) -> None:
        """A crash between adding and deleting is repaired by deleting."""
        changes = plan(wanted, app, OURS)
        x = X(app)
        x.make(Changes(changes.add))
        again = plan(wanted, x.rules, OURS)
        self.assertEqual(again.add, ())
        x.make(again)
        self.assertTrue(x.serves(wanted))

    @pure
    @given(wants, wants, apps)
    def test_back_and_forth(
        self, first: dict[int, list[str]], then: dict[int, list[str]], app: list[PresentRule]
    ) -> None:
        """From any wanted rules to any others, and what both want is not touched."""
        x = X(app)
        x.make(plan(first, x.rules, OURS))
        changes = plan(then, x.rules, OURS)
        same = {job for job in first if then.get(job) == first[job]}
        self.assertFalse({OURS.job_of(rule.tag) for rule in changes.add} & same)
        x.make(changes)
        self.assertTrue(x.serves(then))

    @pure
    @given(wants, apps)
    def test_foreign_rules_stay(self, wanted: dict[int, list[str]], app: list[PresentRule]) -> None:
        """Neither deleted nor met with a value that X holds already."""
        foreign = {rule.id for rule in app if OURS.job_of(rule.tag) is None}
        changes = plan(wanted, app, OURS)
        self.assertFalse(foreign & set(changes.delete))
        self.assertFalse({rule.value for rule in changes.add} & {rule.value for rule in app})
        self.assertEqual(len({rule.value for rule in changes.add}), len(changes.add))

    def test_a_thousand_rules(self) -> None:
        """The most that an app has, all of them wanted by one job and had by another."""
        texts = [f"(a{n} b)" for n in range(1000)]
        present = [PresentRule(str(n), text, OURS.tag(1)) for n, text in enumerate(texts)]
        changes = plan({2: texts}, present, OURS)
        self.assertEqual((len(changes.add), len(changes.delete)), (1000, 1000))
