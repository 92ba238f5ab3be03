"""
What every source of posts implements, and what it is given.

A source is a package below `sources/`: a kind, which the registry knows, with the sections of the
settings that it reads, its lines of the ledger, and how the ids of its posts are found; the
configured source that the settings make of it; and the source itself, which brings captures their
posts.  Nothing outside of the package knows what its messages look like or how they travel.
"""

from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from tcclient.control.reports import Glimpse
from tcclient.health.facts import LackingTerms, LimitFacts
from tcclient.ledger.entries import Asked, Entry, RefusedTerm
from tcclient.ledger.lines import LedgerLine
from tcclient.runtime.places import Where
from tcclient.runtime.producers import Pausable
from tcclient.runtime.secrets import Secret
from tcclient.runtime.verdicts import Verdict
from tcclient.runtime.wallclock import WallClock
from tcclient.sources.advice import KeywordAdvice
from tcclient.sources.keptrules import KeptRules
from tcclient.storage.archive import Archive
from tcclient.storage.folders import Folders
from tcclient.storage.installation import Identity
from tcclient.storage.postids import PostIds


class Understood(Struct, frozen=True):
    """
    How a source understood a keyword text.  `asked` is what it asks for, None where no term of the
    text can be used; that is never the sample of all posts.  `refused` are the terms that are left
    out, `doubtful` those that are asked for and may not find what is meant.  `is_in_force`: posts
    come for it already, as it asks for the same as the text before it.
    """

    asked: Asked | None
    refused: tuple[RefusedTerm, ...] = ()
    is_in_force: bool = False
    doubtful: tuple[RefusedTerm, ...] = ()


class Subscriber(Protocol):
    """The capture that a feed brings posts to."""

    archive: Archive | None
    """Where its posts are stored; None while there is no place for them."""

    def opened(self) -> object:
        """Called when the stream is open."""


class Feed(Pausable, Protocol):
    """
    What brings one capture its posts: a service below the capture's session, and a producer, which
    the capture pauses while it cannot take posts.
    """

    @property
    def streaming(self) -> bool:
        """Whether the stream is open."""

    @property
    def quiet(self) -> bool:
        """Whether there is no stream, and none is being asked for."""

    @property
    def silent(self) -> float | None:
        """Seconds since the last byte came; None where no stream is heard."""

    @property
    def refused(self) -> str:
        """Why it brings nothing of what is asked for now, a clause; empty where nothing is."""
        return ""

    def ask(self, text: str | None) -> Understood:
        """Bring what the keyword text asks for from now on.  Return how it was understood."""

    async def cease(self) -> None:
        """Bring nothing more.  Returns when the last post has been stored."""

    def forget(self) -> None:
        """Leave nothing of what an earlier process asked for, where the source keeps anything."""
        return

    def spare(self) -> None:
        """Leave what another process of this client asks for, where the source keeps anything."""
        return

    def setServiceParent(self, parent: Any) -> None:
        """Become a service below the capture's session."""


class Source(Protocol):
    """Where captures get their feeds; a service below the poller."""

    @property
    def most_captures(self) -> int | None:
        """How many captures may run at the same time; None: any number."""

    post_price: float | None = None
    """How many US dollars a post costs; None where that is not known, or posts are not sold."""

    def begin(self, identity: Identity) -> None:
        """
        Called once, before the first feed is asked for: the server is known, and with it what this
        client has left at the source.  Does nothing unless the source keeps anything.
        """
        return

    def feed_for(self, job_id: int, subscriber: Subscriber) -> Feed:
        """Return a feed for a capture that begins."""

    def slept(self, seconds: float) -> None:
        """
        The machine slept for so long, and nothing came meanwhile: end what has been silent for too
        long with that.  Does nothing unless the source keeps a connection open.
        """
        return

    def limits(self) -> Sequence[LimitFacts]:
        """Return how far each limit of what may be captured is used; none by default."""
        return ()

    def terms_lacking(self, job_id: int) -> LackingTerms | None:
        """Return how many terms of a capture it cannot ask for at present; none by default."""
        return None

    def glimpse(self, post: bytes) -> Glimpse:
        """Return what people are shown of a stored post.  Never raises."""

    def part(self) -> None:
        """The process ends: what is ceased from now on will be asked for again by the next."""

    def setServiceParent(self, parent: Any) -> None:
        """Become a service below the poller."""


class Surroundings(Struct, frozen=True):
    """
    What the composition root gives to a source.  `reactor` has the clock of durations and timers,
    which is never set; `wall` returns the date.  `source_addr` is the address of this machine that
    requests to the source leave from, None for any; `user_agent` is what to send as User-Agent.
    `rest` is for how many seconds a stream may go unread so that more is read at once.  `folders`
    are where captures are stored.  With `keeps_duplicates` a post that comes again over a new
    connection is stored again.
    """

    reactor: Any
    wall: WallClock
    source_addr: str | None
    user_agent: str
    rest: float
    folders: Folders
    keeps_duplicates: bool = False


Check = Callable[[], Coroutine[Any, Any, Verdict]]
"""Finds out one thing about settings and surroundings."""


class SourceChecks(Protocol):
    """What `--check` can find out about a source; each check is bounded in time by its caller."""

    @property
    def address(self) -> tuple[str, str] | None:
        """The key of the settings that names the host of the stream, and its URL, if it has one."""

    def doubts(self) -> Iterator[str]:
        """Yield a clause for each setting that can be used, and is probably not meant."""

    def keyword_doubts(self, text: str | None) -> tuple[RefusedTerm, ...]:
        """Return the terms of a keyword text that may not find what is meant; none by default."""
        return ()

    def credentials(self, others: Mapping[str, Secret]) -> Verdict:
        """
        Return what the shape of the credentials tells.  `others` are secrets beside them, by the
        names of their keys: the same value twice is a mistake.
        """

    def of_this_machine(self) -> Iterable[tuple[str, Check]]:
        """Return the subjects and checks that ask this machine only; none by default."""
        return ()

    def of_the_network(self) -> Iterable[tuple[str, Check]]:
        """Return the same of the other side, for which no stream is opened; none by default."""
        return ()


class ConfiguredSource(Protocol):
    """A source with its settings."""

    @property
    def post_ids(self) -> PostIds:
        """How the ids of its posts are found, and what they tell."""

    def make(self, surroundings: Surroundings) -> Source:
        """Return the source, which begins to ask when it has captures and is started."""

    def checks(self, surroundings: Surroundings) -> SourceChecks:
        """Return what can be checked before anything is captured."""

    def rules(self, surroundings: Surroundings) -> KeptRules | None:
        """Return the rules that the app keeps there; None, by default, where there are none."""
        return None


class SourceReport(Protocol):
    """
    What an account says of the lines of the ledger that only this source writes.  All that they
    have told so far is in `told`, which can be stored, and put back to go on from there.
    """

    told: Struct

    @property
    def messages(self) -> Mapping[str, tuple[str, str]]:
        """Kind of line -> what one message of it is called, and several."""

    def take(self, line: LedgerLine) -> None:
        """Take the next line of the ledger, of whatever kind."""

    def of_gaps(self) -> Iterator[str]:
        """Yield lines of the summary about what the source did for the gaps; none by default."""
        yield from ()

    def not_in_files(self) -> Iterator[str]:
        """Yield lines of the summary about posts that are not in the files; none by default."""
        yield from ()


COMMON_MESSAGES: Mapping[str, tuple[str, str]] = {
    "disconnect": ("announced end of the connection", "announced ends of the connection"),
    "unknown": ("message of no known kind", "messages of no known kind"),
}
"""What a message of the kinds of lines that every source may write is called, and several."""

Row = tuple[object, ...]
Table = Callable[[Iterable[LedgerLine]], Iterator[Row]]
"""From the lines of a ledger to the rows of a table, the header first."""


class SourceKind(Protocol):
    """What a package below `sources/` offers to the registry."""

    @property
    def name(self) -> str:
        """The name of the package: `twitter_v2`."""

    @property
    def sections(self) -> Mapping[str, type[Struct]]:
        """The top-level keys of the settings that it reads; a key may be shared by kinds."""

    @property
    def secret_sections(self) -> Collection[str]:
        """Those of them that hold credentials only."""

    @property
    def entries(self) -> tuple[type[Entry], ...]:
        """The kinds of lines that only this source writes into ledgers."""

    @property
    def post_ids(self) -> PostIds:
        """How the ids of its posts are found, and what they tell."""

    @property
    def tables(self) -> Mapping[str, Table]:
        """Tables that only its ledgers fill, by name."""

    def is_chosen(self, document: Mapping[str, Any]) -> bool:
        """Return whether these settings, decoded and otherwise unchecked, ask for this source."""

    def lacking(self, sections: Mapping[str, Struct]) -> Iterator[tuple[Where, str]]:
        """
        Yield the place and a sentence ("must have a value ...") for each key without which this
        source cannot be asked for anything.
        """

    def faults(self, sections: Mapping[str, Struct]) -> Iterator[tuple[Where, str]]:
        """
        Yield the place and a sentence ("must be ...") for each value that is wrong in a way no type
        of a key can express; none by default.  Called whichever of the kinds that share these
        sections is chosen.
        """
        yield from ()

    def configured(self, sections: Mapping[str, Struct]) -> ConfiguredSource:
        """Return the source that these sections, in which there is no fault, describe."""

    def report(self) -> SourceReport:
        """Return an empty report, which takes the lines of one ledger."""

    def advice(self, text: str | None) -> KeywordAdvice:
        """Return how a keyword text is understood, for whoever types it."""
