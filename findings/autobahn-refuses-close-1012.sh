#!/usr/bin/env bash
# Daphne 4.2.3 with autobahn 26.10.2: an ASGI application that closes a socket with 1012 (Service
# Restart), or any other registered code from 1001 to 2999, does not close it.
#
# The ASGI message {"type": "websocket.close", "code": 1012} is valid, and RFC 6455's registry has
# 1012 for servers.  Daphne passes the code to autobahn's sendClose(), which takes 1000 and 3000 to
# 4999 alone and raises; the exception comes out of the application's `await send(...)`, and about a
# second later the client is told 1011, "internal error", instead.  Codes from 3000 on arrive.
# sendCloseFrame(), which sendClose() calls in its turn, sends any code.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check \
    daphne==4.2.3 autobahn==26.10.2 Twisted==26.10.0 websockets==17.4 2>/dev/null
cd "$work"
cat > app.py <<'PY'
async def application(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    try:
        await send({"type": "websocket.close", "code": int(scope["path"][1:])})
    except Exception as e:
        await send({"type": "websocket.send", "text": str(e)})
        raise
PY
cat > look.py <<'PY'
import re, subprocess, sys
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

command = [sys.executable, "-m", "daphne", "-v1", "-e", "tcp:0:interface=127.0.0.1", "app:application"]
server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
try:
    for line in server.stderr:
        if found := re.search(r"Listening on TCP address ([0-9.:]+)", line):
            break
    for code, text, arrives in ((3000, None, 3000), (1012, "invalid close code 1012", 1011)):
        with connect(f"ws://{found[1]}/{code}") as socket:
            heard, closed = [], None
            try:
                while True:
                    heard.append(socket.recv(timeout=30))
            except ConnectionClosed as e:
                closed = e.rcvd and e.rcvd.code
        print(code, "was asked for:", heard, closed)
        assert closed == arrives, closed
        assert (text is None and not heard) or text in heard[0], heard
finally:
    server.kill()
    server.wait()
PY
"$work/env/bin/python" look.py
