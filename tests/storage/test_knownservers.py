"""Which server one is that is met again."""

from twisted.trial.unittest import SynchronousTestCase

from tcclient.storage.knownservers import (
    MOST_JOBS,
    KnownJob,
    KnownServer,
    Meeting,
    address,
    agree,
    joined,
    key,
    recognise,
)

MONDAY, TUESDAY = "2026-06-01T10:00:00Z", "2026-06-02T10:00:00Z"
CATS, DOGS = KnownJob("cats", MONDAY), KnownJob("dogs", TUESDAY)


def known(
    *addresses: str,
    jobs: dict[int, KnownJob] | None = None,
    id: str | None = None,
    client_id: int = 1,
) -> KnownServer:
    """A server that was met at these addresses."""
    return KnownServer(
        key=key(addresses[0], client_id),
        client_id=client_id,
        addresses=addresses,
        jobs=jobs or {},
        id=id,
    )


class AddressTests(SynchronousTestCase):
    """One server has one address, and one key."""

    def test_spellings(self) -> None:
        """However it is written; another path or port is another one."""
        ours = address("https://captures.example.org/")
        for same in (
            "http://captures.example.org/",
            "https://Captures.Example.ORG",
            " https://captures.example.org/ ",
        ):
            self.assertEqual(address(same), ours)
        for other in ("https://captures.example.org/b/", "https://captures.example.org:8000/"):
            self.assertNotEqual(address(other), ours)

    def test_the_key_stays(self) -> None:
        """Tags and budgets from before an upgrade have it."""
        self.assertEqual(key(address("https://captures.example.org/"), 1), "a948bfa0")
        self.assertNotEqual(key("captures.example.org", 2), "a948bfa0")


class AgreeTests(SynchronousTestCase):
    """Whether two lists of jobs are of one server."""

    def test_table(self) -> None:
        """At least one job is the same, and none of the same id is another."""
        old = KnownJob("cats")
        for jobs, others, same in (
            ({1: CATS}, {1: CATS}, True),
            ({1: CATS}, {1: CATS, 2: DOGS}, True),
            ({1: CATS, 2: DOGS}, {2: DOGS}, True),
            ({1: CATS}, {2: CATS}, False),
            ({1: CATS}, {2: DOGS}, False),
            ({1: CATS}, {}, False),
            ({1: CATS}, {1: KnownJob("cats", TUESDAY)}, False),
            ({1: CATS, 2: DOGS}, {1: CATS, 2: KnownJob("dogs", MONDAY)}, False),
            ({1: CATS, 2: DOGS}, {1: CATS, 2: KnownJob("rats", TUESDAY)}, True),
            ({1: CATS}, {1: KnownJob("rats", MONDAY)}, False),
            ({1: old}, {1: CATS}, True),
            ({1: old}, {1: KnownJob("rats", MONDAY)}, False),
            ({1: old, 2: DOGS}, {1: KnownJob("rats", MONDAY), 2: DOGS}, False),
        ):
            self.assertIs(agree(jobs, others), same, (jobs, others))
            self.assertIs(agree(others, jobs), same, (others, jobs))


class RecogniseTests(SynchronousTestCase):
    """From what is known and what is met to a server."""

    def by(self, servers: list[KnownServer], met: Meeting) -> tuple[str, str | None]:
        """The key of the server that is met, and by what it is known."""
        found = recognise(servers, met)
        assert found is not None
        return found.server.key, found.by

    def test_the_first_server_of_a_folder(self) -> None:
        """Is new, whether or not it lists jobs; its key is that of its address."""
        for jobs in ({}, {1: CATS}):
            found = recognise([], Meeting("a", 1, "id", jobs))
            assert found is not None
            self.assertEqual(found.server, known("a", jobs=jobs, id="id"))
            self.assertIsNone(found.by)

    def test_the_same_address(self) -> None:
        """Is the same server, and what it says of itself is remembered."""
        found = recognise([known("a", "b")], Meeting("a", 1, "id", {1: CATS}))
        assert found is not None
        self.assertEqual(
            (found.by, found.server.id, found.server.jobs), ("address", "id", {1: CATS})
        )

    def test_the_same_id(self) -> None:
        """Under whatever address; another id is another server, even at the same address."""
        servers = [known("a", id="one", jobs={1: CATS}), known("b", id="two")]
        self.assertEqual(self.by(servers, Meeting("c", 1, "one")), (key("a", 1), "id"))
        self.assertEqual(self.by(servers, Meeting("b", 1, "two")), (key("b", 1), "address"))
        new, by = self.by(servers, Meeting("a", 1, "three", {1: CATS}))
        self.assertIsNone(by)
        self.assertNotIn(new, {server.key for server in servers})

    def test_jobs_that_agree(self) -> None:
        """Under another address; the new one is remembered, and the key stays."""
        found = recognise([known("a", jobs={1: CATS})], Meeting("b", 1, None, {1: CATS, 2: DOGS}))
        assert found is not None
        self.assertEqual(found.by, "jobs")
        self.assertEqual(found.server, known("a", "b", jobs={1: CATS, 2: DOGS}))

    def test_jobs_that_do_not(self) -> None:
        """Another server."""
        self.assertEqual(
            self.by([known("a", jobs={1: CATS})], Meeting("b", 1, None, {1: DOGS})),
            (key("b", 1), None),
        )

    def test_nobody_can_tell_yet(self) -> None:
        """A list without jobs says nothing where another server is known."""
        self.assertIsNone(recognise([known("a", jobs={1: CATS})], Meeting("b", 1)))

    def test_another_client_of_the_same_server(self) -> None:
        """Has its own rules and budget."""
        servers = [known("a", jobs={1: CATS})]
        self.assertEqual(self.by(servers, Meeting("a", 2, None, {1: CATS})), (key("a", 2), None))

    def test_no_more_jobs_are_remembered_than_help(self) -> None:
        """The newest."""
        jobs = dict.fromkeys(range(MOST_JOBS), CATS)
        found = recognise([known("a", jobs=jobs)], Meeting("a", 1, None, {MOST_JOBS: DOGS}))
        assert found is not None
        self.assertEqual(list(found.server.jobs), list(range(1, MOST_JOBS + 1)))

    def test_addresses_of_earlier_releases(self) -> None:
        """Are one server where jobs agree; the key is that of the newest."""
        one, two, other = (
            known("a", jobs={1: KnownJob("cats")}),
            known("b", jobs={1: KnownJob("cats")}),
            known("c", jobs={1: KnownJob("rats")}),
        )
        first, second = joined([one, other, two])
        self.assertEqual((first.addresses, first.key), (("a", "b"), key("b", 1)))
        self.assertEqual(second, other)
