"""
The state machine of a subscription: whether the posts of a capture come over the shared stream, as
far as its ledger has been told.

                     +-------lose, lack-------+
                     v                        |
    idle --want--> waiting ----serve-----> served --withdraw--> ceasing --lose--> idle
                    ^  |                    ^  |                   ^
                 admit refuse            admit refuse              |
                    |  v                    |  v                   |
                   refused <-lose, lack- yielding ---withdraw------+

`withdraw` leads from `waiting` and `refused` to `idle`.  The posts come in `served`; in `yielding`,
where those of the sample come until captures with keywords have the stream; and in `ceasing`, until
the last has been read.  Any other input has no effect on the state.

Knows what is worth a line about one capture; does not know what other captures want, nor what X
has.
"""

from typing import Protocol

import attrs
from automat import TypeMachineBuilder
from twisted.logger import Logger

from tcclient.ledger.endings import STOPPED, Ending
from tcclient.ledger.entries import Connected, Entry
from tcclient.sources.source import Subscriber
from tcclient.sources.twitter_v2.entries import SampleRefused
from tcclient.storage.archive import Archive

log = Logger()

NO_RULE = Ending("rules", "X has no rule of it that can be used")
"""Why a capture gets nothing, although the connection is open."""
SWITCHED = Ending("switched", "another stream, or none, is asked for")
"""Why the connection is closed when captures want another stream, or none."""

_NOT_ALONE = (
    "without keywords it asks for the sample of all posts, which cannot be captured beside "
    "captures with keywords"
)


@attrs.frozen
class Arrival:
    """
    What is known when the posts of a capture come: `now`, in seconds, and the line about the
    connection.  `begins_in` is the seconds until the first of them, None where nobody has heard the
    stream yet.  `rule_delay` is the seconds until new rules work, None where it is not for a rule
    that they come.
    """

    now: float
    line: Connected
    begins_in: float | None
    rule_delay: float | None


class SubscriptionInputs(Protocol):
    """What can happen to a subscription.  Automat makes the class that implements this."""

    def want(self, text: str | None, is_sample: bool, now: float) -> None:
        """Called when the capture asks for these keywords, or for the sample, at `now`."""

    def refuse(self) -> None:
        """Called when the capture cannot have the sample, as others ask for keywords."""

    def admit(self) -> None:
        """Called when nothing is in the way of what the capture asks for."""

    def serve(self, arrival: Arrival) -> None:
        """Called when the stream is open and brings the posts, whether or not that is news."""

    def heard(self, backfill: int | None, begins_in: float) -> None:
        """
        Called when the first byte of a connection has come, which asked for the posts of so many
        minutes before.  The posts begin in `begins_in` seconds.
        """

    def in_force(self, after: float) -> None:
        """Called when all that was asked for comes, beginning `after` seconds from now."""

    def lack(self, now: float) -> None:
        """Called when the stream is open, and X has no rule of the capture at `now`."""

    def lose(self, ending: Ending) -> None:
        """Called when no more posts come, for this reason."""

    def withdraw(self) -> None:
        """Called when the capture is about to stop."""


@attrs.define(eq=False)
class Subscription:
    """
    One capture among those that share the stream; `life` takes what happens to it.

    `text` are the keywords, and `text_is_news` says whether the ledger has yet to say since when
    they are in force.  `served_at` is when X was last known to send the posts, None where the
    ledger has the stream as not open.  `is_paused` says whether the capture cannot take posts now.
    """

    job_id: int
    subscriber: Subscriber
    text: str | None = None
    text_is_news: bool = False
    is_sample: bool = False
    served_at: float | None = None
    is_paused: bool = False
    life: SubscriptionInputs = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.life = machine(self)

    @property
    def archive(self) -> Archive | None:
        """Where the capture's posts are stored; None while there is no place for them."""
        return self.subscriber.archive

    @property
    def title(self) -> str:
        """The capture's name for the log, empty while it has no place for its posts."""
        return "" if self.archive is None else self.archive.name

    @property
    def is_served(self) -> bool:
        """Whether the ledger has the stream as open."""
        return self.served_at is not None

    def note(self, entry: Entry) -> None:
        """Write a line into the capture's ledger, if it has one."""
        if self.archive is not None:
            self.archive.note(entry)

    def miss(self, ending: Ending) -> None:
        """Note in the ledger that the posts do not come any more."""
        self.served_at = None
        if self.archive is not None:
            self.archive.capture_log.unheard(ending)


_builder = TypeMachineBuilder(SubscriptionInputs, Subscription)
IDLE = _builder.state("idle")
WAITING = _builder.state("waiting")
REFUSED = _builder.state("refused")
SERVED = _builder.state("served")
YIELDING = _builder.state("yielding")
CEASING = _builder.state("ceasing")


@IDLE.upon(SubscriptionInputs.want).to(WAITING)
def _want(
    _: SubscriptionInputs, core: Subscription, text: str | None, is_sample: bool, now: float
) -> None:
    """Take what is asked for now; since when the keywords are in force is news."""
    core.text, core.text_is_news, core.is_sample = text, True, is_sample
    if core.served_at is not None:
        core.served_at = now


def _refuse(_: SubscriptionInputs, core: Subscription) -> None:
    """Note in log and ledger that the capture does not run."""
    log.warn("Capture {name!r} does not run: {reason}.", name=core.title, reason=_NOT_ALONE)
    core.note(SampleRefused(reason=_NOT_ALONE))


@WAITING.upon(SubscriptionInputs.serve).to(SERVED)
def _announce(_: SubscriptionInputs, core: Subscription, arrival: Arrival) -> None:
    """Note that the posts come from now on, and tell the capture."""
    core.served_at = arrival.now
    core.note(arrival.line)
    if core.archive is not None and arrival.begins_in is not None:
        core.archive.capture_log.heard(after=arrival.begins_in)
    core.subscriber.opened()
    if arrival.rule_delay is not None:
        log.info(
            "Capture {name!r} is connected: X has its rules, and they work within {delay:g} s.",
            name=core.title,
            delay=arrival.rule_delay,
        )


def _go_on(_: SubscriptionInputs, core: Subscription, arrival: Arrival) -> None:
    """Take note that the posts still come."""
    core.served_at = arrival.now


def _heard(
    _: SubscriptionInputs, core: Subscription, backfill: int | None, begins_in: float
) -> None:
    """Note in the ledger that the stream is heard."""
    if core.archive is not None:
        core.archive.capture_log.heard(backfill, begins_in)


def _in_force(_: SubscriptionInputs, core: Subscription, after: float) -> None:
    """Note in the ledger since when the keywords are in force, if that is news."""
    if core.text_is_news and core.archive is not None:
        core.archive.capture_log.in_force(core.text, after)
        core.text_is_news = False


@SERVED.upon(SubscriptionInputs.lack).to(WAITING)
@YIELDING.upon(SubscriptionInputs.lack).to(REFUSED)
def _lack(_: SubscriptionInputs, core: Subscription, now: float) -> None:
    """
    Note in log and ledger that nothing comes, because X has no rule.  Where somebody else has
    deleted the rules, nobody knows since when: at most since they were read last.
    """
    silent = 0.0 if core.served_at is None else now - core.served_at
    core.miss(attrs.evolve(NO_RULE, silent=silent))
    log.warn("Capture {name!r} gets nothing: {why}.", name=core.title, why=NO_RULE.detail)


@SERVED.upon(SubscriptionInputs.lose).to(WAITING)
@YIELDING.upon(SubscriptionInputs.lose).to(REFUSED)
def _lose(_: SubscriptionInputs, core: Subscription, ending: Ending) -> None:
    """Note in the ledger that nothing comes any more."""
    core.miss(ending)


@CEASING.upon(SubscriptionInputs.lose).to(IDLE)
def _finish(_: SubscriptionInputs, core: Subscription, ending: Ending) -> None:
    """Note in the ledger that nothing comes any more, which is because the capture stops."""
    if ending.cause == SWITCHED.cause:
        ending = attrs.evolve(ending, cause=STOPPED.cause, detail=STOPPED.detail)
    core.miss(ending)


for _state in (WAITING, REFUSED, SERVED, YIELDING, CEASING):
    _state.upon(SubscriptionInputs.want).loop()(_want)

for _wanted, _unwanted in ((WAITING, REFUSED), (SERVED, YIELDING)):
    _wanted.upon(SubscriptionInputs.refuse).to(_unwanted)(_refuse)
    _wanted.upon(SubscriptionInputs.admit).loop().returns(None)
    _unwanted.upon(SubscriptionInputs.refuse).loop().returns(None)
    _unwanted.upon(SubscriptionInputs.admit).to(_wanted).returns(None)
for _state in (IDLE, CEASING):
    _state.upon(SubscriptionInputs.refuse).loop().returns(None)
    _state.upon(SubscriptionInputs.admit).loop().returns(None)

for _state in (SERVED, YIELDING, CEASING):
    _state.upon(SubscriptionInputs.serve).loop()(_go_on)
    _state.upon(SubscriptionInputs.heard).loop()(_heard)
    _state.upon(SubscriptionInputs.in_force).loop()(_in_force)
for _state in (IDLE, REFUSED):
    _state.upon(SubscriptionInputs.serve).loop().returns(None)

CEASING.upon(SubscriptionInputs.lack).loop().returns(None)  # its rules have been deleted for that
for _state in (IDLE, WAITING, REFUSED):
    for _unheeded in (
        SubscriptionInputs.heard,
        SubscriptionInputs.in_force,
        SubscriptionInputs.lack,
        SubscriptionInputs.lose,
    ):
        _state.upon(_unheeded).loop().returns(None)

for _state in (IDLE, WAITING, REFUSED):
    _state.upon(SubscriptionInputs.withdraw).to(IDLE).returns(None)
for _state in (SERVED, YIELDING, CEASING):
    _state.upon(SubscriptionInputs.withdraw).to(CEASING).returns(None)

machine = _builder.build()
"""Returns the inputs of a new machine, in the state `idle`, for a Subscription."""
