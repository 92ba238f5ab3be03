"""
One X app: its plan, its rules, its limits, and who of its streams has a slot.

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
    """The app of `api_key`; `recent` and `ended` serve backfill."""

    api_key: str
    plan: Plan
    pool: Pool
    _scale: float
    rules: RuleStore = attrs.Factory(RuleStore)
    recent: deque[Sent] = attrs.Factory(lambda: deque(maxlen=REMEMBERED))
    ended: float | None = None  # when the last search stream did
    _open: int = 0
    _lingering: list[float] = attrs.Factory(list)  # when each slot becomes free
    _windows: dict[str, RateLimitWindow] = attrs.Factory(dict)

    def terms(self) -> RuleTerms:
        """What the plan says of rules, scaled."""
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
        Count a request to `endpoint`, a name of the plan's limits; whether it was within the
        limit, and the headers that say so.
        """
        window = self._windows.setdefault(endpoint, RateLimitWindow(0, WINDOW * self._scale))
        window.limit = getattr(self.plan, endpoint)
        return window.allows(now), window.headers(now)

    def take_slot(self, now: float) -> None:
        """A stream begins; raises Denied while all slots are taken."""
        self._lingering = [until for until in self._lingering if now < until]
        if self._open + len(self._lingering) >= self.plan.connections:
            raise Denied(problems.too_many_connections())
        self._open += 1

    def leave_slot(self, now: float) -> None:
        """A stream has ended; its slot stays taken for as long as the plan says."""
        self._open -= 1
        if self.plan.linger:
            self._lingering.append(now + self.plan.linger * self._scale)
