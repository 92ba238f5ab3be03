#!/usr/bin/env bash
# TLS by pyOpenSSL cannot be used where memory may not be both written and executed, as under
# systemd's MemoryDenyWriteExecute=yes, though OpenSSL and Python's own ssl can (pyOpenSSL 26.4, cffi
# 2.1, Linux 6.3 or newer).
#
# A context can be made, and only setting a callback raises MemoryError, whatever memory there is: cffi
# writes the callback's machine code when it is asked for one, where Python's ssl has it compiled.
# Twisted sets such callbacks for each connection over TLS, so that none succeeds.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check \
    pyOpenSSL==26.4.0 cryptography==50.0.2 cffi==2.1.1 2>/dev/null
cat > "$work/seen.py" <<'PY'
import ctypes
import ssl
import sys

from OpenSSL import SSL

PR_SET_MDWE, REFUSE_EXEC_GAIN = 65, 1


def outcome(act):
    try:
        act()
    except MemoryError as error:
        return repr(error)
    return "works"


def with_callback():
    SSL.Context(SSL.TLS_METHOD).set_alpn_select_callback(lambda connection, offered: offered[0])


def by_python():
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).sni_callback = lambda sock, name, context: None


if sys.argv[1] == "denied":
    assert ctypes.CDLL(None).prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) == 0, "needs Linux 6.3"
plain = outcome(lambda: SSL.Context(SSL.TLS_METHOD).set_cipher_list(b"HIGH"))
theirs, ours = outcome(with_callback), outcome(by_python)
print(f"{sys.argv[1]}: without a callback {plain}, with one {theirs}, with one of Python's ssl {ours}")
assert (plain, ours) == ("works", "works")
assert theirs.startswith("MemoryError(") if sys.argv[1] == "denied" else theirs == "works"
PY
"$work/env/bin/python" "$work/seen.py" free
"$work/env/bin/python" "$work/seen.py" denied
