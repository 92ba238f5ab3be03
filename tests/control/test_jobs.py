"""Behaviour of the server's jobs: how they are read, and which of them runs."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tcclient.control.jobs import Decision, Job, Status, decide

# All 27 members that the server sends.
SENT: dict[str, Any] = {
    "id": 4,
    "url": "http://127.0.0.1:8000/api/jobs/4/",
    "name": "my job",
    "description": None,
    "keywords": " a,b ",
    "status": 3,
    "task_id": None,
    "total_count": 120,
    "rate": "1.500",
    "first_started": "2026-11-23T16:19:44.631176Z",
    "started": "2026-11-23T16:19:49.478416",
    "stopped": None,
    "ping_date": None,
    "archived_date": None,
    "deleted_date": None,
    "assigned_worker": 7,
    "created_by": 1,
    "modified_by": None,
    "deleted_by": None,
    "archived_by": None,
    "assigned_worker_username": "client",
    "created_by_username": "admin",
    "modified_by_username": None,
    "created_date": "2026-06-01T10:00:00Z",
    "modified_date": "2026-06-01T10:00:00Z",
    "recent_update": {"date": "2026-06-01T10:00:00Z", "total_count": 118, "rate": "1.000"},
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=3,
)


def sent(**members: Any) -> dict[str, Any]:
    return {**SENT, **members}


def job(id: int = 4, status: int = Status.STARTED, **members: Any) -> Job:
    return Job.from_json(sent(id=id, status=status, **members))


class ReadingTests(SynchronousTestCase):
    """From JSON to a Job."""

    def test_all_members(self) -> None:
        """What the server sends; the keywords keep their outer blanks."""
        self.assertEqual(
            Job.from_json(SENT),
            Job(
                id=4,
                name="my job",
                status=3,
                keywords=" a,b ",
                total_count=120,
                assigned_worker=7,
                withdrawn=False,
                recent_total=118,
                recent_rate="1.000",
                created="2026-06-01T10:00:00Z",
            ),
        )

    def test_both_names_of_the_keywords(self) -> None:
        """The older servers' is read where the newer one is absent, null included."""
        old = sent(twitter_keywords="old")
        del old["keywords"]
        self.assertEqual(Job.from_json(old).keywords, "old")
        self.assertIsNone(Job.from_json({**old, "twitter_keywords": None}).keywords)
        self.assertEqual(Job.from_json(sent(twitter_keywords="old")).keywords, " a,b ")
        self.assertIsNone(Job.from_json(sent(keywords=None, twitter_keywords="old")).keywords)

    def test_members_that_may_be_null(self) -> None:
        """A job that nothing has happened to yet."""
        found = Job.from_json(sent(keywords=None, total_count=None, assigned_worker=None))
        self.assertEqual(
            (found.keywords, found.total_count, found.assigned_worker), (None, None, None)
        )

    def test_members_that_may_be_missing(self) -> None:
        """An older server does not send them."""
        value = sent()
        for name in ("assigned_worker", "archived_date", "deleted_date", "recent_update"):
            del value[name]
        found = Job.from_json(value)
        self.assertEqual(
            (found.assigned_worker, found.withdrawn, found.recent_total), (None, False, None)
        )

    def test_ids_that_no_database_has(self) -> None:
        """Such a job cannot be read, and the others can."""
        for id in (-1, 1 << 63, 1 << 66):
            error = self.assertRaises(ValueError, Job.from_json, {**SENT, "id": id})
            self.assertIn("'id'", str(error))
        self.assertEqual(Job.from_json({**SENT, "id": (1 << 63) - 1}).id, (1 << 63) - 1)

    def test_recent_update(self) -> None:
        """Empty, null, or without a total, it says nothing."""
        for value in ({}, None, {"total_count": None}, {"date": "x"}):
            self.assertIsNone(Job.from_json(sent(recent_update=value)).recent_total)

    def test_withdrawn(self) -> None:
        """Archived or deleted; the server lists deleted ones with the others."""
        for name in ("archived_date", "deleted_date"):
            self.assertTrue(Job.from_json(sent(**{name: "2026-06-01T10:00:00Z"})).withdrawn)

    def test_how_it_was_lost(self) -> None:
        """Archived, deleted, or given to somebody else; a reading without a worker says nothing."""
        known = Job.from_json(sent(assigned_worker=3))
        now = "2026-06-01T10:00:00Z"
        for members, because in (
            ({"archived_date": now}, "is archived"),
            ({"deleted_date": now}, "is deleted"),
            ({"archived_date": now, "deleted_date": now}, "is deleted"),
            ({"assigned_worker": 7}, "was given to client 7"),
            ({"assigned_worker": None}, ""),
            ({}, ""),
        ):
            found = Job.from_json(sent(**{"assigned_worker": 3, **members}))
            self.assertEqual(found.lost_because(known), because)
            self.assertEqual(found.lost_since(known), bool(because))

    def test_wrong_types(self) -> None:
        """One member wrong -> the sentence."""
        for name, value, sentence in (
            ("id", "4", "a job's 'id' is a string"),
            ("id", None, "a job's 'id' is null"),
            ("id", True, "a job's 'id' is true"),
            ("name", 5, "a job's 'name' is a number"),
            ("name", None, "a job's 'name' is null"),
            ("status", "3", "a job's 'status' is a string"),
            ("status", 3.0, "a job's 'status' is a fraction"),
            ("keywords", ["a"], "a job's 'keywords' is an array"),
            ("total_count", {}, "a job's 'total_count' is an object"),
            ("total_count", False, "a job's 'total_count' is false"),
            ("assigned_worker", "me", "a job's 'assigned_worker' is a string"),
            ("archived_date", 0, "a job's 'archived_date' is a number"),
            ("deleted_date", False, "a job's 'deleted_date' is false"),
            ("recent_update", [], "a job's 'recent_update' is an array"),
            ("recent_update", {"total_count": "1"}, "a job's 'total_count' is a string"),
        ):
            error = self.assertRaises(ValueError, Job.from_json, sent(**{name: value}))
            self.assertEqual(str(error), sentence)

    def test_missing_members(self) -> None:
        """The sentence names the member; of the keywords, by today's name."""
        for name in ("id", "name", "status", "keywords", "total_count"):
            value = sent()
            del value[name]
            error = self.assertRaises(ValueError, Job.from_json, value)
            self.assertEqual(str(error), f"a job has no member {name!r}")

    def test_no_object(self) -> None:
        """Whatever else stands in the list."""
        for value, what in (([], "an array"), ("x", "a string"), (None, "null"), (1, "a number")):
            error = self.assertRaises(ValueError, Job.from_json, value)
            self.assertEqual(str(error), f"a job is {what}, not an object")

    @given(st.dictionaries(st.sampled_from(sorted(SENT)), json_values, max_size=5) | json_values)
    def test_any_json(self, value: Any) -> None:
        """A job or a ValueError, nothing else."""
        for candidate in (value, {**SENT, **value} if isinstance(value, dict) else value):
            try:
                self.assertIsInstance(Job.from_json(candidate).id, int)
            except ValueError as e:
                self.assertTrue(str(e))


class WantedTests(SynchronousTestCase):
    """Which statuses mean run."""

    def test_table(self) -> None:
        """2 and 3, and nothing else, numbers of other clients included."""
        for status in range(-1, 9):
            self.assertEqual(job(status=status).wanted, status in (2, 3), status)

    def test_withdrawn_jobs_are_never_wanted(self) -> None:
        """Whatever their status says."""
        for status in range(6):
            self.assertFalse(job(status=status, archived_date="x").wanted)


class DecideTests(SynchronousTestCase):
    """One stream per set of credentials."""

    def test_nothing(self) -> None:
        """No jobs, and none that is wanted."""
        self.assertEqual(decide([], 1), Decision())
        self.assertEqual(
            decide([job(status=4), job(status=5), job(deleted_date="x")], 1), Decision()
        )

    def test_the_lowest_id_runs(self) -> None:
        """The order of the list does not matter; the others are named in order."""
        nine, two, five = job(9), job(2), job(5, status=Status.STARTING)
        self.assertEqual(decide([nine, two, five], 1), Decision((two,), (five, nine)))

    def test_jobs_that_are_not_wanted_take_no_place(self) -> None:
        """A lower id that is stopped is not in the way, and not mentioned."""
        self.assertEqual(decide([job(1, status=5), job(2)], 1), Decision((job(2),)))

    def test_one_that_cannot_be_stored_takes_no_place(self) -> None:
        """It is named apart: for those left out there is no room, for this one there is."""
        one, two, five = job(1), job(2), job(5)
        self.assertEqual(decide([five, two, one], 1, {1}), Decision((two,), (five,), (one,)))
        self.assertEqual(decide([one, two], 1, {1, 2}), Decision((), (), (one, two)))
