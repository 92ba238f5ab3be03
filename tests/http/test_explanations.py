"""What a log line has of a refusal's body."""

import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tcclient.http.explanations import MOST_CHARACTERS, plain_text
from tcclient.runtime.secrets import Secret

KEY, TOKEN = Secret("QkeyQ7h1"), Secret("777-QtokenQ7h3")


class PlainTextTests(SynchronousTestCase):
    """One line of words."""

    def test_mark_up(self) -> None:
        """It is left out, with styles and scripts; white space is one blank."""
        for body, text in (
            (b"Bad token\r\n", "Bad token"),
            (b"<html>\n<p>Bad\n\t <b>token</b></p></html>", "Bad token"),
            (b"<STYLE type='x'>p{}</Style><script>a < b\n</script>Bad token", "Bad token"),
            (b"Bad<br/>token", "Bad token"),
            (b"<!DOCTYPE\nhtml>Bad<!-- not\nso --> token", "Bad token"),
            (b"1 < 2", "1 < 2"),
            (b"", ""),
            (b"<p></p>", ""),
        ):
            self.assertEqual(plain_text(body), text)

    def test_titles(self) -> None:
        """They say most of what a page says, and stand first, once."""
        for body, text in (
            (b"<title>Attention!</title><p>Are you human?", "Attention!: Are you human?"),
            (
                b"<TITLE lang=en>\n502 Bad\nGateway</TITLE><h1>502 Bad Gateway</h1>nginx",
                "502 Bad Gateway nginx",
            ),
            (b"<title>Only <b>this</b></title>", "Only <b>this</b>"),
            (b"<p>Words<title>Never closed", "Words Never closed"),
        ):
            self.assertEqual(plain_text(body), text)
        said = plain_text(f"<title>No {KEY.reveal()}</title>".encode(), (KEY,))
        self.assertEqual(said, "No ...")

    def test_json(self) -> None:
        """It stays as it is."""
        text = '{"errors": [{"code": 32, "message": "Could not authenticate you."}]}'
        self.assertEqual(plain_text(text.encode()), text)

    def test_no_control_characters(self) -> None:
        """A log line stays one line, whatever the bytes."""
        for body in (b"a\x00\x1b[2Jb\r\nc", b"\xff\xfe", "a\u2028b\u202e".encode(), b"<" * 500):
            self.assertTrue(plain_text(body).isprintable(), body)

    def test_length(self) -> None:
        """Of what is left without mark-up, the beginning."""
        for length in (MOST_CHARACTERS - 1, MOST_CHARACTERS, MOST_CHARACTERS + 1, 10_000):
            text = plain_text(b"<p>" * 500 + "é".encode() * length)
            self.assertEqual(text, "é" * min(length, MOST_CHARACTERS))

    @given(st.binary(max_size=1000))
    def test_any_bytes(self, body: bytes) -> None:
        """They are a line of text, and never an error."""
        text = plain_text(body, (KEY, TOKEN))
        self.assertTrue(text.isprintable())
        self.assertLessEqual(len(text), MOST_CHARACTERS)


class CredentialsTests(SynchronousTestCase):
    """What the other side repeats of our own request."""

    def said(self, text: str) -> str:
        return plain_text(text.encode(), (KEY, TOKEN))

    def test_left_out(self) -> None:
        """All of them, wherever they are, as often as they come; the rest stays."""
        key, token = KEY.reveal(), TOKEN.reveal()
        for text, left in (
            (f"no {key} here", "no ... here"),
            (f"{token}{key}", "......"),
            (
                f'OAuth oauth_consumer_key="{key}", oauth_token="{token}", {key}',
                'OAuth oauth_consumer_key="...", oauth_token="...", ...',
            ),
            (f"<b>{key}</b>", "..."),
            (json.dumps({"detail": f"Invalid token {token}."}), '{"detail": "Invalid token ...."}'),
            ("nothing of the kind", "nothing of the kind"),
        ):
            self.assertEqual(self.said(text), left)

    def test_none_to_leave_out(self) -> None:
        """Without credentials the text stays."""
        self.assertEqual(plain_text(KEY.reveal().encode()), KEY.reveal())

    def test_at_the_end_of_the_line(self) -> None:
        """No beginning of one is left where the line is cut."""
        for room in range(len(TOKEN.reveal()) + 1):
            text = self.said("x" * (MOST_CHARACTERS - room) + TOKEN.reveal())
            self.assertEqual(text.rstrip("."), "x" * (MOST_CHARACTERS - room))

    @given(st.lists(st.sampled_from([KEY.reveal(), TOKEN.reveal(), "<b>", " ", "7", "\n", "é"])))
    def test_anywhere(self, pieces: list[str]) -> None:
        """Whatever is around them."""
        text = self.said("".join(pieces))
        for credential in (KEY, TOKEN):
            self.assertNotIn(credential.reveal(), text)
