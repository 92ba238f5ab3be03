#!/usr/bin/env bash
# A time-out that many Deferreds share is not what a time-out of one is (Twisted 26.10).
#
# addTimeout() makes a CancelledError a TimeoutError.  What gatherResults() returns fails with a
# FirstError around a CancelledError instead, which it lets pass, so `except TimeoutError` does not
# see it; what DeferredList() returns does not fail at all, but fires with its usual list.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check Twisted==26.10.0 2>/dev/null
cat > "$work/seen.py" <<'PY'
from twisted.internet.defer import (
    CancelledError,
    Deferred,
    DeferredList,
    FirstError,
    TimeoutError,
    gatherResults,
)
from twisted.internet.task import Clock
from twisted.python.failure import Failure


def after_a_second(waiting):
    """What it fires with once it has timed out."""
    clock, fired = Clock(), []
    waiting.addTimeout(1.0, clock).addBoth(fired.append)
    clock.advance(1.0)
    [result] = fired
    return result.value if isinstance(result, Failure) else result


one = after_a_second(Deferred())
gathered = after_a_second(gatherResults([Deferred()], consumeErrors=True))
listed = after_a_second(DeferredList([Deferred()], consumeErrors=True))
print("a Deferred:", repr(one))
print("gatherResults:", type(gathered).__name__, "of", repr(gathered.subFailure.value))
print("DeferredList:", [(well, repr(failure.value)) for well, failure in listed])
assert type(one) is TimeoutError
assert type(gathered) is FirstError and type(gathered.subFailure.value) is CancelledError
assert not isinstance(gathered, TimeoutError)
assert [(well, type(failure.value)) for well, failure in listed] == [(False, CancelledError)]
PY
"$work/env/bin/python" "$work/seen.py"
