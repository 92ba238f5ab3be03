"""Over any history, a stored post matches keywords that were in force."""

from pathlib import Path
from typing import Any

import attrs
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from tcclient.control.client import JobList
from tcclient.control.jobs import Job
from tcclient.ledger.entries import seconds
from tcclient.runtime.backoff import Trouble
from tcclient.sources.twitter_v2.envelopes import POST_IDS
from tcclient.sources.twitter_v2.rules.ownership import Ownership
from tcclient.sources.twitter_v2.rules.ruleset import PresentRule
from tcclient.storage.diskuse import DiskUse
from tcclient.storage.installation import Identity
from tests import DEPTH
from tests.marks import Need, needs
from tests.peers import clock_at, settle
from tests.sources.twitter_v2.test_sharedstream import NAMES, SharedStreamTestCase, post
from tests.sources.twitter_v2.xrules import DELAY, XRules

WORDS = ("ants", "bees", "cats", "dogs", "eels")
LINGER = 5.0
"""Seconds for which X goes on matching a rule that is deleted."""
SLACK = 2.0
"""Seconds between a moment and the post that shows it."""
ADDRESSES = {
    "http://127.0.0.1/": "first",
    "http://localhost/": "first",
    "http://proxy:8000/": "first",
    "http://other/": "second",
}
"""Address -> the server that is there."""

UNSHRUNK = (Phase.explicit, Phase.generate)
"""A history takes long, and to shrink one would take minutes."""

texts = st.sets(st.sampled_from(WORDS), min_size=1, max_size=3).map(lambda w: ", ".join(sorted(w)))
jobs = st.sampled_from([1, 1, 2])
acts = st.one_of(
    st.tuples(st.just("edit"), jobs, texts),
    st.tuples(st.just("edit"), jobs, texts),
    st.tuples(st.just("edit"), jobs, texts),
    st.tuples(st.just("stop"), jobs),
    st.tuples(st.just("again")),
    st.tuples(st.just("killed")),
    st.tuples(st.just("moved"), st.sampled_from(sorted(ADDRESSES))),
    st.tuples(st.just("moved"), st.sampled_from(sorted(ADDRESSES))),
)
troubles = st.one_of(
    st.none(),
    st.none(),
    st.tuples(
        st.just("failing"),
        st.sampled_from([(), ("read",), ("try",), ("add",), ("delete",), ("delete",)]),
        st.sampled_from([1, 3, 1000]),
        st.booleans(),
    ),
    st.tuples(st.just("well")),
    st.tuples(st.just("slow"), st.sampled_from([None, None, 7.0])),
)
times = st.tuples(st.just("time"), st.sampled_from([1.0, 5.0, 12.0, 30.0, 30.0, 70.0]))
histories = st.lists(st.tuples(troubles, acts, times), min_size=2, max_size=8).map(
    lambda turns: [act for turn in turns for act in turn if act is not None]
)


History = list[tuple[Any, ...]]

KILLED_AND_CHANGED: History = [
    ("failing", (), 3, True),
    ("stop", 2),
    ("time", 30.0),
    ("well",),
    ("edit", 2, "eels"),
    ("time", 30.0),
    ("slow", None),
    ("edit", 1, "eels"),
    ("time", 1.0),
    ("slow", None),
    ("killed",),
    ("time", 1.0),
    ("moved", "http://other/"),
    ("time", 70.0),
    ("edit", 1, "dogs"),
    ("time", 12.0),
    ("slow", None),
    ("moved", "http://localhost/"),
    ("time", 30.0),
]
"""The client is killed a second after a change, and they change once more while it is away."""
CHANGED_OVER_RESTARTS: History = [
    ("moved", "http://localhost/"),
    ("time", 12.0),
    ("well",),
    ("edit", 1, "bees, cats, dogs"),
    ("time", 12.0),
    ("slow", 7.0),
    ("moved", "http://127.0.0.1/"),
    ("time", 12.0),
    ("edit", 1, "cats"),
    ("time", 1.0),
    ("well",),
    ("moved", "http://proxy:8000/"),
    ("time", 30.0),
    ("failing", ("add",), 1, True),
    ("moved", "http://other/"),
    ("time", 5.0),
    ("moved", "http://localhost/"),
    ("time", 12.0),
    ("failing", ("add",), 1000, True),
    ("killed",),
    ("time", 5.0),
]
"""It is started again soon after each change, and reads the rules slowly."""
CHANGED_BACK: History = [
    ("failing", ("add",), 1000, True),
    ("edit", 1, "ants, dogs"),
    ("time", 5.0),
    ("edit", 1, "cats"),
    ("time", 5.0),
    ("failing", ("read",), 3, True),
    ("moved", "http://127.0.0.1/"),
    ("time", 5.0),
    ("edit", 1, "cats"),
    ("time", 5.0),
    ("failing", ("add",), 1000, True),
    ("edit", 1, "ants, dogs"),
    ("time", 12.0),
]
"""The rule for keywords that were changed before it worked is wanted again when it works."""
AS_BEFORE_A_RESTART: History = [
    ("time", 70.0),
    ("failing", ("delete",), 1000, False),
    ("edit", 1, "bees"),
    ("time", 70.0),
    ("again",),
    ("time", 70.0),
    ("edit", 1, "ants, cats"),
    ("time", 30.0),
]
"""The rule for keywords from before a restart, which X has kept, is wanted again."""


@attrs.frozen
class Made:
    """
    A post, which X sends if it matches a rule: at which server the client is, when it is made, and
    the word in it.  `streaming` are the jobs that have a stream.
    """

    server: str
    at: float
    word: str
    streaming: frozenset[int]


@attrs.frozen
class Claim:
    """A line `keywords_in_force`: when and at which server it was noted, and what it says."""

    noted: float
    server: str
    since: float
    text: str


@needs(Need.SECONDS)
class StoredPostsTests(SharedStreamTestCase):
    """Real sessions, files and ledgers; edits, restarts, moves, kills and failing requests."""

    use = DiskUse(fsync_interval=3600.0, ids=POST_IDS)

    def setUp(self) -> None:
        """Each history begins by itself."""

    def _identity(self) -> Identity:
        jobs = tuple(self._job(job, "x") for job in NAMES)
        identity = self.folders.meet(JobList(jobs))
        assert identity is not None
        self.x.ours = Ownership(identity)
        return identity

    def _job(self, job: int, text: str) -> Job:
        made = f"2026-01-0{job}T00:00:00Z {ADDRESSES[self.server]}"
        return Job(job, NAMES[job], 3, text, 0, 1, False, None, created=made)

    @given(histories)
    @example(KILLED_AND_CHANGED)
    @example(CHANGED_OVER_RESTARTS)
    @example(CHANGED_BACK)
    @example(AS_BEFORE_A_RESTART)
    @settings(
        max_examples=30 * DEPTH, deadline=None, derandomize=True, database=None, phases=UNSHRUNK
    )
    def test_keywords_in_force(self, history: History) -> None:
        """
        Each stored post matches keywords in force at its time, or within the rule delay, in each of
        the captures that it is in.  While the ledger has the keywords as in force, X has rules for
        all of them, and each post that it sends is stored.
        """
        self._begin_history()
        try:
            for name, *arguments in history:
                getattr(self, name)(*arguments)
            self.time(3 * DELAY)
        finally:
            self.x.recovers()
            self.x.lets_go()
            self.leave()
        for job in (1, 2):
            stored = set(self.disk.stored(NAMES[job]))
            claims = self._claims(job)
            for number, made in self.made.items():
                if number in stored:
                    found = (job, made, self.wants, claims)
                    self.assertIn(made.word, self._allowed(job, made, claims), found)
                elif self._is_promised(job, made, claims):
                    self.fail(f"lost: {(job, made, self.wants, claims)}")

    def _begin_history(self) -> None:
        self.clock = clock_at()
        self.x = XRules(self.clock)
        self.server = sorted(ADDRESSES)[0]
        self.made: dict[int, Made] = {}
        self.kills: set[float] = set()
        self.starts = {self.clock.seconds()}
        self.wants: dict[tuple[str, int], list[tuple[float, str | None]]] = {}
        self.here: list[tuple[float, str]] = [(self.clock.seconds(), ADDRESSES[self.server])]
        self.gone: dict[str, tuple[PresentRule, float]] = {}
        self.seen: dict[str, PresentRule] = {}
        self.wanted: dict[int, str] = {}
        self._lives_in(Path(self.mktemp()))
        self.begin()
        self.edit(1, "ants, cats")

    # What happens.

    def edit(self, job: int, text: str) -> None:
        """The server wants this, whether or not it wanted anything before."""
        self.wanted[job] = text
        self._want(job)

    def _want(self, job: int) -> None:
        text = self.wanted[job]
        mine = self.wants.setdefault((ADDRESSES[self.server], job), [])
        mine.append((self.clock.seconds(), text))
        self.run_job(job, text)

    def stop(self, job: int) -> None:
        """The server wants nothing of it any more."""
        if self.wanted.pop(job, None) is not None:
            self.wants[ADDRESSES[self.server], job].append((self.clock.seconds(), None))
            self.halt(job)

    def again(self) -> None:
        """The client ends as it should, and is started again."""
        self.restart()
        self._resume()

    def killed(self) -> None:
        """It is killed, and started again."""
        self.kills.add(self.clock.seconds())
        self.dies()
        self._resume()

    def moved(self, address: str) -> None:
        """It ends, and is started with another address of a server."""
        self.leave()
        self.server = address
        self.here.append((self.clock.seconds(), ADDRESSES[address]))
        self._lives_in(self.base)
        self.begin()
        self._resume()

    def _resume(self) -> None:
        self.starts.add(self.clock.seconds())
        self.x.holds()  # the poll wants them all at the same moment
        for job in sorted(self.wanted):
            self._want(job)
        self.x.lets_go()
        settle(self.clock)

    def failing(self, kinds: tuple[str, ...], times: int, done: bool) -> None:
        """Requests about rules fail."""
        self.x.fails(*kinds, trouble=Trouble.HTTP, times=times, done=done)

    def well(self) -> None:
        """They do not any more."""
        self.x.recovers()

    def slow(self, delay: float | None) -> None:
        """They take a while."""
        self.x.slow = delay

    def time(self, seconds: float) -> None:
        """Time passes, and X sends a post of each word every second."""
        for _ in range(round(seconds)):
            self.goes(1.0)
            self._note_rules()
            if self.api.peers and not self.peer.answer.called and not self.peer.cancelled:
                self.peer.answers()
                settle(self.clock)
            if self.open_streams():
                self.peer.says(b"\r\n")
                for word in WORDS:
                    self._make(word)

    # What X does.

    def _note_rules(self) -> None:
        now = self.clock.seconds()
        for id in self.seen.keys() - self.x.rules.keys():
            self.gone[id] = self.seen[id], now
        self.seen = dict(self.x.rules)

    def _make(self, word: str) -> None:
        now = self.clock.seconds()
        lingering = [rule for rule, at in self.gone.values() if now - at <= LINGER]
        matching = [r for r in (*self.x.rules.values(), *lingering) if word in words_of(r.value)]
        number = len(self.made) + 1
        streaming = frozenset(self.streaming())
        self.made[number] = Made(ADDRESSES[self.server], now, word, streaming)
        if matching:
            # X promises the id of a rule only.
            rules = [(rule.id, rule.tag if number % 2 else None) for rule in matching]
            self.peer.says(post(number, *rules))

    # What is right.

    def _claims(self, job: int) -> list[Claim]:
        """What the ledger says of keywords in force."""
        return [
            Claim(seconds(line["at"]), self._server_at(line), seconds(line["since"]), line["text"])
            for line in self.disk.account(NAMES[job], "keywords_in_force")
        ]

    def _server_at(self, line: dict[str, Any]) -> str:
        at = seconds(line["at"]) + 0.001
        return [server for since, server in self.here if since <= at][-1]

    def _wants(self, job: int, made: Made) -> list[tuple[float, str]]:
        """What was wanted until then, since the capture was started."""
        wants = [w for w in self.wants.get((made.server, job), []) if w[0] <= made.at]
        stopped = max((at for at, text in wants if text is None and at < made.at), default=0.0)
        return [(at, text) for at, text in wants if at >= stopped and text is not None]

    def _allowed(self, job: int, made: Made, claims: list[Claim]) -> set[str]:
        """The words that a post may have that a capture holds."""
        wants = self._wants(job, made)
        allowed = wants
        started = max(at for at in self.starts if at <= made.at)
        if not any(started <= claim.noted <= made.at for claim in claims):
            claims = []  # all that was left is good until a process has what it wants
        for claim in sorted(claims, key=lambda claim: claim.since):
            before = [at for at, _ in wants if at <= claim.since]
            if (
                claim.server == made.server
                and claim.since <= made.at - DELAY - SLACK
                and before
                and wants[len(before) - 1][1] == claim.text
                and self._comes_true(job, claim)
            ):
                allowed = wants[len(before) - 1 :]
        return {word for _, text in allowed for word in words_of(text)}

    def _comes_true(self, job: int, claim: Claim) -> bool:
        """Keywords that were changed again before they came into force never did."""
        wants = self.wants[claim.server, job]
        return all(text == claim.text for at, text in wants if claim.noted <= at <= claim.since)

    def _is_promised(self, job: int, made: Made, claims: list[Claim]) -> bool:
        """Whether the ledger says that such a post is captured."""
        wants = self._wants(job, made)
        if job not in made.streaming or made.at in self.kills or not wants:
            return False
        claims = [
            claim
            for claim in claims
            if claim.server == made.server and claim.since <= made.at - 1.0
        ]
        if any(made.at < claim.noted and made.word in words_of(claim.text) for claim in claims):
            return True  # the ledger says so afterwards
        text = wants[-1][1]
        others = [number for number, (_, wanted) in enumerate(wants) if wanted != text]
        begun = wants[max(others, default=-1) + 1][0]
        return made.word in words_of(text) and any(
            claim.text == text and begun <= claim.noted <= made.at for claim in claims
        )


def words_of(text: str) -> list[str]:
    """The words of keywords, or of a rule."""
    return text.replace("(", " ").replace(")", " ").replace(",", " ").replace(" OR ", " ").split()
