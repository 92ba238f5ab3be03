#!/usr/bin/env bash
# One answer of twisted.web 26.10 is dated by two clocks: its `Date` header by time.time(), its line
# in the access log by reactor.seconds().
#
# The two agree until a program gives its reactor a clock that is never set, as the attribute
# `seconds` allows (`reactor.seconds = time.monotonic`; all timers then go by it, as they should).
# From then on the access log has stamps of 1970, counted from when the machine started, while the
# headers of the same answers stay right; nothing warns.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check Twisted==26.10.0 2>/dev/null
cat > "$work/seen.py" <<'PY'
import re
import sys
import time
from datetime import datetime
from email.utils import parsedate_to_datetime

from twisted.internet import reactor, task
from twisted.internet.defer import Deferred
from twisted.web.client import Agent, readBody
from twisted.web.resource import Resource
from twisted.web.server import Site

reactor.seconds = time.monotonic


class Greeting(Resource):
    isLeaf = True

    def render_GET(self, request):
        return b"hello"


async def ask(reactor):
    site = Site(Greeting(), logPath=sys.argv[1].encode())
    port = reactor.listenTCP(0, site, interface="127.0.0.1")
    url = b"http://127.0.0.1:%d/" % port.getHost().port
    response = await Agent(reactor).request(b"GET", url)
    await readBody(response)
    found.extend(response.headers.getRawHeaders(b"date"))
    await port.stopListening()


found = []
try:
    task.react(lambda reactor: Deferred.fromCoroutine(ask(reactor)), _reactor=reactor)
except SystemExit as ended:
    assert not ended.code
header = parsedate_to_datetime(found[0].decode()).timestamp()
[line] = open(sys.argv[1]).read().splitlines()
stamp = datetime.strptime(re.search(r"\[(.*?)\]", line)[1], "%d/%b/%Y:%H:%M:%S %z").timestamp()
assert abs(header - time.time()) < 60, (header, time.time())
assert abs(stamp - time.monotonic()) < 60, (stamp, time.monotonic())
assert abs(header - stamp) > 86400 * 365
print("Date header:", "now;", "access log:", "seconds since the machine started")
PY
"$work/env/bin/python" "$work/seen.py" "$work/access.log"
