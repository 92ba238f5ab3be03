"""Behaviour of the clauses that say what a failure means."""

import errno
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL
from service_identity import CertificateError, VerificationError
from twisted.internet import defer, error
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web import _newclient, client, http

from tcclient.runtime.failures import explain, explain_os, root


def failing(cause: BaseException) -> Failure:
    return Failure(cause)


def tls(reason: str) -> SSL.Error:
    """Return the error that OpenSSL raises for this reason."""
    return SSL.Error([("SSL routines", "", reason)])


class ExplainTests(SynchronousTestCase):
    """A clause that a person can act on."""

    def test_table(self) -> None:
        """Exception -> words of the clause."""
        not_trusted = "its TLS certificate is not trusted"
        for cause, words in (
            (client.ResponseDone(), "ended the answer"),
            (http.PotentialDataLoss(), "the other side closed the connection"),
            (error.ConnectionDone(), "the other side closed the connection"),
            (error.ConnectionLost(), "the connection was lost"),
            (error.ConnectionAborted(), "broken off"),
            (error.ConnectionRefusedError(), "refused: nothing listens there"),
            (error.NoRouteError(), "no route"),
            (error.ConnectBindError(), "source_addr cannot be bound"),
            (error.ConnectBindError(errno.EMFILE, "Too many"), "no file descriptors left"),
            (OSError(errno.EMFILE, "Too many open files", "x"), "no file descriptors left"),
            (error.DNSLookupError("x"), "its name cannot be resolved"),
            (error.UnknownHostError(), "its name cannot be resolved"),
            (error.TimeoutError(), "there was no connection in time"),
            (error.TCPTimedOutError(), "there was no connection in time"),
            (error.UserError(), "the connection was given up"),
            (defer.TimeoutError(), "there was no answer in time"),
            (defer.CancelledError(), "there was no answer in time"),
            (VerificationError(errors=[]), "for another name"),
            (tls("certificate verify failed"), not_trusted),
            (tls("wrong version number"), "no TLS is spoken there"),
            (SSL.Error(), "TLS failed: the other side broke off"),
            (SSL.Error([]), "TLS failed: the other side broke off"),
            (SSL.ZeroReturnError(), "TLS failed: the other side broke off"),
            (SSL.WantReadError(), "TLS failed: the other side broke off"),
            (SSL.SysCallError(104, "ECONNRESET"), "TLS failed"),
            (SSL.SysCallError(-1, "Unexpected EOF"), "TLS failed"),
            (error.ConnectError(113, "No route to host"), "no connection: No route to host"),
            (http._DataLoss("0 bytes"), "the answer was cut"),
            (_newclient.ConnectionAborted(), "broken off"),
            (_newclient.RequestNotSent(), "closed before the request was sent"),
            (ValueError("two\r\n lines"), "ValueError: two lines"),
            (KeyError(), "KeyError"),
        ):
            self.assertIn(words, explain(failing(cause)), repr(cause))

    def test_what_the_system_says(self) -> None:
        """Its words and the file, without a number in brackets."""
        for cause, words in (
            (OSError(28, "No space left"), "No space left"),
            (
                FileNotFoundError(2, "No such file or directory", "/a/b"),
                "No such file or directory (/a/b)",
            ),
            (
                FileExistsError(17, "File exists", Path("/a/b")),
                "there is a file of that name (/a/b)",
            ),
            (OSError("no number"), "no number"),
            (OSError(), "OSError"),
        ):
            self.assertEqual(explain(failing(cause)), words)
            self.assertEqual(explain_os(cause), words)

    def test_an_answer_that_is_not_http(self) -> None:
        """What Twisted's parser says of it, under no name of its own."""
        for cause, words in (
            (
                http._MalformedChunkedDataError("Chunk-size must be an integer."),
                "Chunk-size must be an integer",
            ),
            (ValueError("bad header"), "bad header"),
            (KeyError(), "KeyError"),
        ):
            wrapper = client.ResponseFailed([failing(cause)])
            self.assertEqual(explain(failing(wrapper)), f"the answer is malformed: {words}")

    def test_long_texts(self) -> None:
        """They are cut."""
        self.assertEqual(explain(failing(ValueError("x" * 1000))), "ValueError: " + "x" * 200)

    def test_wrapped(self) -> None:
        """Twisted's HTTP client wraps causes, at times more than once."""
        cause = failing(error.ConnectionLost())
        for wrapper in (
            client.ResponseFailed([cause]),
            client.ResponseNeverReceived([cause]),
            client.RequestTransmissionFailed([cause]),
            client.RequestGenerationFailed([cause]),
            client.ResponseFailed([failing(client.RequestTransmissionFailed([cause]))]),
        ):
            self.assertIs(root(failing(wrapper)), cause.value)
            self.assertEqual(explain(failing(wrapper)), "the connection was lost")

    def test_a_wrapper_without_a_cause(self) -> None:
        """It is its own."""
        wrapper = client.ResponseFailed([])
        self.assertIs(root(failing(wrapper)), wrapper)
        self.assertEqual(explain(failing(wrapper)), "there was no answer that could be read")

    def test_a_certificate_that_names_nobody(self) -> None:
        """It keeps its own words."""
        self.assertIn("no names", explain(failing(CertificateError("no names"))))

    @given(
        st.sampled_from([ValueError, OSError, SSL.Error, SSL.SysCallError, error.ConnectionClosed]),
        st.lists(st.none() | st.integers() | st.text(), max_size=3),
    )
    def test_any_exception(self, kind: type[Exception], args: list[object]) -> None:
        """One line of bounded length, whatever it holds."""
        clause = explain(failing(kind(*args)))
        self.assertTrue(clause)
        self.assertEqual(len(clause.splitlines()), 1)
        self.assertLess(len(clause), 300)
