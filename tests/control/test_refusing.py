"""The words for what a capture server, or something in front of it, refuses."""

import json

from twisted.trial.unittest import SynchronousTestCase

from tcclient.control.answers import Answer, ServerError, seconds_of

NOW = 1792567650.0  # Wed, 21 Oct 2026 07:27:30 GMT


def said(status: int, body: object = b"", location: str = "") -> str:
    """The words for an answer with these bytes, or this as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return str(Answer(status, content, location).error())


def page(title: str, words: str = "Words.") -> bytes:
    return f"<html><head><title>{title}</title></head><body>{words}</body></html>".encode()


class ClauseTests(SynchronousTestCase):
    """What is wrong, and what to do about it."""

    def test_cures(self) -> None:
        """Status and body -> all of the clause."""
        nginx = b"<title>400 The plain HTTP request was sent to HTTPS port</title>"
        dropped = {"detail": "Authentication credentials were not provided."}
        for status, body, clause in (
            (401, {"detail": "Invalid token."}, "(Invalid token.): check server.auth_token"),
            (403, {"detail": "Invalid token."}, "(Invalid token.): check server.auth_token"),
            (
                403,
                dropped,
                "(Authentication credentials were not provided.): the token does not arrive: a "
                "proxy in between drops the header Authorization",
            ),
            (
                401,
                page("401 Authorization Required"),
                "(401 Authorization Required): that is a proxy's or a login page's own answer: let "
                "clients past it",
            ),
            (404, b"<h1>Not Found</h1>", ": nothing is there"),
            (404, {"detail": "Not found."}, "(Not found.)"),
            (
                413,
                page("413 Request Entity Too Large"),
                "(413 Request Entity Too Large): something in front of it takes no body of that "
                "length: raise the limit there",
            ),
            (
                502,
                page("502 Bad Gateway"),
                "(502 Bad Gateway): the proxy in front of it does not reach it",
            ),
            (503, b"", ": it is overloaded, or down for maintenance"),
            (504, b"", ": it gives the proxy in front of it no answer in time"),
            (503, {"detail": "Restoring."}, "(Restoring.)"),
            (500, page("Server Error (500)"), "(Server Error (500))"),
            (
                400,
                nginx,
                "(400 The plain HTTP request was sent to HTTPS port): begin "
                "server.base_url with https://",
            ),
            (
                400,
                b"Reason: You're speaking plain HTTP to an SSL-enabled server port.",
                ": begin server.base_url with https://",
            ),
        ):
            gap = "" if clause.startswith(":") else " "
            self.assertEqual(said(status, body), f"it answers {status}{gap}{clause}")

    def test_a_list_that_is_not_there(self) -> None:
        """An address without /api/ is told from a job that is not there."""
        error = self.assertRaises(ServerError, Answer(404, page("Not Found"), "").page)
        self.assertIn("mostly ends in /api/: check server.base_url", str(error))

    def test_titles_are_one_short_line(self) -> None:
        """Whatever a page has for a title."""
        for title in ("a\nb", "a\x1b[2Jb", "a\u202eb", "long " * 1000):
            text = said(502, page(title))
            self.assertTrue(text.isprintable(), repr(text))
            self.assertLess(len(text), 300)


class SecondsTests(SynchronousTestCase):
    """The header Retry-After."""

    def test_table(self) -> None:
        """Seconds up to a day; a date is so many seconds from what the server calls now."""
        for header, seconds in (
            *((None, None), ("", None), ("-1", None), ("1.5", None), ("٣", None), ("1" * 10, None)),
            *(("0", 0.0), (" 30 ", 30.0), ("86400", 86_400.0), ("999999999", 86_400.0)),
            ("Wed, 21 Oct 2026 07:28:00 GMT", 30.0),
            ("Wed, 21 Oct 2026 07:27:00 GMT", 0.0),
            ("Wed, 21 Oct 2099 07:28:00 GMT", 86_400.0),
            ("Wed, 99 Oct 2026", None),
        ):
            self.assertEqual(seconds_of(header, NOW), seconds, header)
        self.assertIsNone(seconds_of("Wed, 21 Oct 2026 07:28:00 GMT"))
