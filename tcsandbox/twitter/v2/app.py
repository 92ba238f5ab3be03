"""
One X app: its plan, its rules, its limits, and which slots for streams are taken.

Pure; time is a parameter.
"""

from collections import deque

import attrs

from tcsandbox.twitter.v2 import problems
from tcsandbox.twitter.v2.limits import WINDOW, RateLimitWindow
from tcsandbox.twitter.v2.plan import Plan
from tcsandbox.twitter.v2.pool import Pool
from tcsandbox.twitter.v2.problems import Denied
from tcsandbox.twitter.v2.rulelanguage import RuleLimits
from tcsandbox.twitter.v2.rules import RuleStore, RuleTerms
from tcsandbox.twitter.v2.stream import REMEMBERED, Sent


@attrs.define
class App:
    """
    The app whose key is `api_key`.

    `recent` are the posts that it was sent last, and `ended` is when its last search stream
    ended; both serve backfill.
    """

    api_key: str
    plan: Plan
    pool: Pool
    _scale: float
    rules: RuleStore = attrs.Factory(RuleStore)
    recent: deque[Sent] = attrs.Factory(lambda: deque(maxlen=REMEMBERED))
    ended: float | None = None  # the Unix time at which the last search stream ended
    _open: int = 0
    _lingering: list[float] = attrs.Factory(list)  # when each slot becomes free
    _windows: dict[str, RateLimitWindow] = attrs.Factory(dict)

    def terms(self) -> RuleTerms:
        """Return what the plan says of rules, with scaled times."""
        plan = self.plan
        delete_delay = plan.rule_delay if plan.delete_delay is None else plan.delete_delay
        return RuleTerms(
            add_delay=plan.rule_delay * self._scale,
            delete_delay=delete_delay * self._scale,
            cap=plan.rule_cap,
            limits=RuleLimits(plan.rule_length, plan.box_miles),
            atomic=plan.atomic,
        )

    def count(self, endpoint: str, now: float) -> tuple[bool, dict[str, str]]:
        """
        Count a request to `endpoint`, which is a name of one of the plan's limits.

        Return whether it was within the limit, and the headers that say so.
        """
        window = self._windows.setdefault(endpoint, RateLimitWindow(0, WINDOW * self._scale))
        window.limit = getattr(self.plan, endpoint)
        return window.allows(now), window.headers(now)

    def take_slot(self, now: float) -> None:
        """Take a slot for a stream that begins; raise Denied while all slots are taken."""
        self._lingering = [until for until in self._lingering if now < until]
        if self._open + len(self._lingering) >= self.plan.connections:
            raise Denied(problems.too_many_connections())
        self._open += 1

    def leave_slot(self, now: float) -> None:
        """Give back the slot of a stream that has ended, after as long as the plan says."""
        self._open -= 1
        if self.plan.linger:
            self._lingering.append(now + self.plan.linger * self._scale)
