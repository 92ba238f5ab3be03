"""What is begun and then goes on by itself.  Does not know what that is."""

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure


def unattended(act: Coroutine[Any, Any, None], log: Logger, failed: str) -> Deferred[None]:
    """
    Begin what nobody waits for.  Fires when it has ended, also by a failure, which is logged with
    the sentence `failed`; cancelled, it ends without a word.
    """

    def ended(failure: Failure) -> None:
        if not failure.check(CancelledError):
            log.failure(failed, failure)

    return Deferred.fromCoroutine(act).addErrback(ended)
