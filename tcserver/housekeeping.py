"""
The housekeeping of an installation: what has to be done now and then, by one of its processes.

Knows what is to be done how often; the acts themselves are services.
"""

import os
import secrets
import socket
from datetime import datetime, timedelta
from typing import ClassVar

import attrs
from django.contrib.sessions.models import Session

from tcserver.accounts.services.counts import AT_ONCE, count_some
from tcserver.accounts.services.fold import STEP, begin_outdated_anew, fold_some
from tcserver.accounts.services.lease import end_lease, hold_lease
from tcserver.accounts.services.prune import prune
from tcserver.accounts.services.seal import seal_some
from tcserver.captures.services.plan import do_what_is_planned
from tcserver.environment import Environment
from tcserver.working import Work

OFTEN = timedelta(hours=1)
"""How often is looked for what is too old."""
MUCH = STEP // 2
"""Bytes of ledgers after which there are more at once: a step ends with a whole line."""


@attrs.define
class Housekeeping(Work):
    """The work of one process, which it does while it holds the lease."""

    environment: Environment
    holder: str = attrs.Factory(
        lambda: f"{socket.gethostname()[:32]} {os.getpid()} {secrets.token_hex(4)}"
    )
    title: ClassVar[str] = "The housekeeping"
    _next: datetime | None = None

    def turn(self, now: datetime) -> bool:
        """Do a bounded part of what is to be done.  Return whether there is more to do at once."""
        if not hold_lease(self.holder, now):
            self._next = None
            return False
        if self._next is None:
            begin_outdated_anew()
        # What comes meanwhile waits for a pause: while clients report there is always some of it.
        more = do_what_is_planned(now) > 0
        more |= fold_some() >= MUCH
        more |= count_some() >= AT_ONCE
        if self._next is None or now >= self._next:
            keep = self.environment.keep_updates, self.environment.keep_minutes
            done = seal_some() + prune(now, *keep)
            done += Session.objects.filter(expire_date__lt=now).delete()[0]
            self._next = now if done else now + OFTEN
            more = more or done > 0
        return more

    def end(self, now: datetime) -> None:
        """Leave it to other processes."""
        end_lease(self.holder, now)
