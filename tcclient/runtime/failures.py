"""
What a failure of network or disk means, in a clause that a person can act on.

Knows Twisted's exceptions; does not know what is done about a failure.
"""

import errno
import zlib
from typing import cast

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet import defer, error
from twisted.python.failure import Failure
from twisted.web import client, http

from tcclient.runtime.shortage import OUT_OF_DESCRIPTORS

_WRAPPERS = (
    client.ResponseFailed,
    client.RequestTransmissionFailed,
    client.RequestGenerationFailed,
)

# The first class that fits decides, so a subclass stands before its base.
_CLAUSES: tuple[tuple[type[BaseException], str], ...] = (
    (client.ResponseDone, "the other side ended the answer"),
    (http.PotentialDataLoss, "the other side closed the connection"),
    (error.ConnectionDone, "the other side closed the connection"),
    (error.ConnectionAborted, "the connection was broken off"),
    (error.ConnectionLost, "the connection was lost"),
    (error.ConnectionRefusedError, "the connection was refused: nothing listens there"),
    (error.NoRouteError, "there is no route to it"),
    (
        error.ConnectBindError,
        "source_addr cannot be bound: this machine does not have it, or the other side has no "
        "address of its family",
    ),
    (error.DNSLookupError, "its name cannot be resolved"),
    (error.UnknownHostError, "its name cannot be resolved"),
    (error.TimeoutError, "there was no connection in time"),
    (error.TCPTimedOutError, "there was no connection in time"),
    # The end of a time-out that runs while the connection is still being made.
    (error.ConnectingCancelledError, "there was no connection in time"),
    (error.UserError, "the connection was given up"),
    (defer.TimeoutError, "there was no answer in time"),
    (defer.CancelledError, "there was no answer in time"),
    (zlib.error, "the compressed answer is corrupt, or was cut"),
    (VerificationError, "its TLS certificate is for another name"),
)


_NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE)
"""Of a socket as of a file: Twisted takes the first for an address that cannot be bound."""


_TWISTEDS_HTTP = (http.__name__, client.ResponseDone.__module__)
_UNEXPORTED = {
    "_DataLoss": "the answer was cut",
    "ConnectionAborted": "the connection was broken off",
    "RequestNotSent": "the connection was closed before the request was sent",
    "ResponseFailed": "there was no answer that could be read",
    "ResponseNeverReceived": "there was no answer",
    "RequestTransmissionFailed": "the request could not be sent",
    "RequestGenerationFailed": "the request could not be sent",
}
"""By name: exceptions that Twisted does not export, and its wrappers with nothing inside."""


class UnreadableAnswer(Exception):
    """Raised where an answer cannot be read.  str() is a clause that says why."""


def explain(failure: Failure) -> str:
    """Return why a request or a connection failed, as a clause: `its name cannot be resolved`."""
    cause = root(failure)
    if isinstance(cause, SSL.Error):
        return _explain_tls(cause)
    if getattr(cause, "osError", None) in _NO_DESCRIPTORS:
        return OUT_OF_DESCRIPTORS
    for type_, clause in _CLAUSES:
        if isinstance(cause, type_):
            return clause
    if isinstance(cause, OSError):
        return explain_os(cause)
    if isinstance(cause, UnreadableAnswer):
        return str(cause)
    if isinstance(cause, error.ConnectError):
        return f"there was no connection: {one_line(str(cause.args[0]))[:200]}"
    name, text = type(cause).__name__, one_line(str(cause))[:200].rstrip(".")
    if type(cause).__module__ in _TWISTEDS_HTTP and name in _UNEXPORTED:
        return _UNEXPORTED[name]
    if isinstance(failure.value, client.ResponseFailed) and cause is not failure.value:
        return f"the answer is malformed: {text or name}"  # a bad chunk; a bad header: ValueError
    return f"{name}: {text}" if text else name


def explain_os(error: OSError) -> str:
    """
    Return what the system says, and about which file, as a clause: `No such file or directory (x)`.
    """
    if error.errno in _NO_DESCRIPTORS:
        return OUT_OF_DESCRIPTORS
    exists = isinstance(error, FileExistsError)
    text = "there is a file of that name" if exists else error.strerror or str(error)
    about = "" if error.filename is None else f" ({error.filename})"
    return one_line(f"{text}{about}")[:300] or type(error).__name__


def one_line(text: str) -> str:
    """Return `text` on one line, without characters that cannot be printed."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def storable(text: str) -> str:
    """Return `text` without what is no character, or is none to databases."""
    return text.encode("utf-8", "replace").decode().replace("\0", "?")


def root(failure: Failure) -> BaseException:
    """Return the exception inside those that Twisted's HTTP client has wrapped round it."""
    while isinstance(failure.value, _WRAPPERS) and failure.value.reasons:
        failure = failure.value.reasons[0]
    return cast(BaseException, failure.value)


_NO_TLS = frozenset(("wrong version number", "packet length too long", "http request"))
"""What OpenSSL makes of an answer in plain HTTP, by its version and the first bytes."""


def _explain_tls(cause: SSL.Error) -> str:
    # SysCallError has a number and a text instead of OpenSSL's list of reasons.
    entries = cause.args[0] if cause.args and isinstance(cause.args[0], list | tuple) else ()
    reasons = {str(entry[-1]) for entry in entries if entry}
    if "certificate verify failed" in reasons:
        return "its TLS certificate is not trusted: self-signed, expired, or from an unknown CA"
    if reasons & _NO_TLS:
        return "no TLS is spoken there: an address that begins with http:// may be meant"
    return "TLS failed: " + (", ".join(sorted(reasons)) or "the other side broke off")
