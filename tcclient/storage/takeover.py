"""
A folder that was away, and comes back with what an earlier process had stored in it, of which this
one never knew: that was killed before it could notice.

Knows what then goes on from the ledger that is found; does not know how it is found.
"""

from twisted.logger import Logger

from tcclient.ledger.bookings import NotStored
from tcclient.ledger.capturelog import CaptureLog
from tcclient.ledger.takenover import counted_as_ours
from tcclient.storage.captureledger import CaptureLedger
from tcclient.storage.diskuse import Place
from tcclient.storage.leftovers import left_open
from tcclient.storage.notedtally import NotedTally
from tcclient.storage.recovery import left_behind

log = Logger()


def take_over(
    place: Place,
    ledger: CaptureLedger,
    tally: NotedTally,
    capture_log: CaptureLog,
    opened: float,
) -> None:
    """
    Go on from what an earlier process has left in the ledger, if that is another one which has come
    back, as a start does.  What is in no finished file is counted as not stored: the next start
    finds it under its temporary name, in a file that was written last before this process has
    `opened` the capture, in epoch seconds.
    """
    left = ledger.found
    if left is None:
        return
    written = {path: path.stat().st_mtime for path in left_behind(place.folder, place.naming)}
    older = [path for path, at in written.items() if at < opened]
    tmp = max(older, key=written.__getitem__, default=None)
    posts = counted_as_ours(tally, left.counters, place.clock.seconds())
    log.warn(
        "The folder of {name!r} has come back with what an earlier process had stored there: the "
        "next start finishes it.",
        name=place.naming.name,
    )
    if posts:
        reason = "an earlier process had stored them when the folder went away"
        file = None if tmp is None else tmp.name
        line = NotStored(posts=posts, reason=reason, counted=True, file=file, ledger=ledger.id)
        ledger.note(line)
    last_byte = None if tmp is None else written[tmp]
    capture_log.takes_over(left_open(ledger, left.fold, 0.0, last_byte))
