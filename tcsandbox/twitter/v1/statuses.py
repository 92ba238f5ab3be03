"""
Whole v1.1 statuses as JSON objects, made so that they match what a filter asks for.

Knows the shape of a status, which kinds there are and what is nested in what.  The time is a
parameter; what differs from post to post is left as a sentinel for posts.py to fill in.
"""

from datetime import datetime, timedelta
from random import Random

import attrs

from tcsandbox.twitter.common import vocabulary
from tcsandbox.twitter.common.text import CODE, CREATED_AT, POST_ID, Json, Text
from tcsandbox.twitter.common.writing import add_anything, add_link, add_mention, add_sentence
from tcsandbox.twitter.v1.filters import LocationBox
from tcsandbox.twitter.v1.users import make_location, make_user, twitter_time
from tcsandbox.twitter.v1.writing import add_picture, add_poll, add_term, entity_members

TIMESTAMP_MS = "zqMILLISzq"

CROWD = 50  # mentions in a reply to everybody: X's own limit, and what makes a post large
CLASSIC_LENGTH = 140  # a longer text is sent cut, with the whole in `extended_tweet`
LINK_ROOM = 24  # code points kept free in a cut text for the link to the whole post

_IN_REPLY_TO = "status_id status_id_str user_id user_id_str screen_name"
IN_REPLY_TO = tuple(f"in_reply_to_{name}" for name in _IN_REPLY_TO.split())

Subject = str | int | LocationBox | None
"""What a post has to match: a track term, an author's id, a box, or nothing in particular."""


@attrs.frozen
class Stamp:
    """A post's id, time and link code: sentinels for the post itself, values for a nested one."""

    post_id: int = int(POST_ID)
    created_at: str = CREATED_AT
    code: str = CODE


@attrs.define
class StatusWriter:
    """Writes statuses; `now` is the time from which the nested, older ones are dated back."""

    rng: Random
    now: datetime

    def post(self, subject: Subject) -> Json:
        """Return a post of any usual kind that matches `subject`: mostly 2 to 6 kB as JSON."""
        draw = self.rng.random()
        # Twitter matches locations against a post's own place, never against a retweet's
        if draw < 0.2 and not isinstance(subject, LocationBox):
            status = self._retweet(subject)
        elif draw < 0.26:
            quoted = self._older(self._text(None))
            status = self._quote(self._text(subject), quoted, subject)
        elif draw < 0.42:
            status = self._reply(subject)
        else:
            status = self._status(self._text(subject), subject, Stamp())
        return status | {"timestamp_ms": TIMESTAMP_MS}

    def large_post(self, subject: Subject) -> Json:
        """Return a reply to CROWD people that quotes another such reply: more than 16 kB."""
        quoted = self._older(self._crowd(None))
        status = self._quote(self._crowd(subject), quoted, subject)
        return status | {"timestamp_ms": TIMESTAMP_MS}

    def _retweet(self, subject: Subject) -> Json:
        stamp = self._older_stamp()
        inner = self._text(subject).with_code(stamp.code)
        original = self._status(inner, None, stamp)
        author = original["user"]
        assert isinstance(author, dict)
        text = Text("RT")
        add_mention(text, author["screen_name"], author["name"], author["id"])
        text.text += ":"
        text = inner.behind(text).cut(CLASSIC_LENGTH - 1)
        status = self._status(text, subject, Stamp())
        return status | {"retweeted_status": original}

    def _quote(self, text: Text, quoted: Json, subject: Subject) -> Json:
        link = f"https://twitter.com/i/web/status/{quoted['id']}"
        return self._status(text, subject, Stamp()) | {
            "is_quote_status": True,
            "quoted_status_id": quoted["id"],
            "quoted_status_id_str": quoted["id_str"],
            "quoted_status": quoted,
            "quoted_status_permalink": {
                "url": f"https://t.co/{CODE}",
                "expanded": link,
                "display": "twitter.com/i/web/status/…",
            },
        }

    def _reply(self, subject: Subject) -> Json:
        name, screen_name = self.rng.choice(vocabulary.NAMES)
        user_id, status_id = self.rng.randrange(1 << 33), self._older_stamp().post_id
        greeting = Text()
        add_mention(greeting, screen_name, name, user_id)
        text = self._text(subject).behind(greeting)
        replied_to = (status_id, str(status_id), user_id, str(user_id), screen_name)
        whom = dict(zip(IN_REPLY_TO, replied_to, strict=True))
        return self._status(text, subject, Stamp()) | whom

    def _older(self, text: Text) -> Json:
        """Return an older status with `text`, to be nested in another."""
        return self._status(text, None, self._older_stamp())

    def _older_stamp(self) -> Stamp:
        rng = self.rng
        when = self.now - timedelta(seconds=rng.randrange(60, 500_000))
        code = f"{rng.randrange(1 << 40):010x}"
        return Stamp(rng.randrange(1 << 59, 1 << 60), twitter_time(when), code)

    def _status(self, text: Text, subject: Subject, stamp: Stamp) -> Json:
        rng = self.rng
        said = _texts(text, stamp)
        # In the order in which the stream had them.
        return {
            "created_at": stamp.created_at,
            "id": stamp.post_id,
            "id_str": str(stamp.post_id),
            "text": said.pop("text"),
            "source": rng.choice(vocabulary.SOURCES),
            "truncated": said.pop("truncated"),
            **dict.fromkeys(IN_REPLY_TO),
            "user": make_user(rng, subject if isinstance(subject, int) else None),
            **make_location(rng, subject if isinstance(subject, LocationBox) else None),
            "contributors": None,
            "is_quote_status": False,
            "quote_count": 0,
            "reply_count": rng.randrange(30),
            "retweet_count": rng.randrange(900),
            "favorite_count": rng.randrange(5_000),
            **said,
            **dict.fromkeys(("favorited", "retweeted", "possibly_sensitive"), False),
            "filter_level": "low",
            "lang": rng.choice(vocabulary.SENTENCES)[0],
        }

    def _text(self, subject: Subject) -> Text:
        text, rng = Text(), self.rng
        wanted = rng.choice((20, 50, 80, 100, 180))
        add_sentence(text, rng)
        if isinstance(subject, str):
            add_term(text, subject, rng)
        while len(text.text) < wanted:
            add_anything(text, rng)
        draw = rng.random()
        if draw < 0.16:
            add_picture(text, rng)
        elif draw < 0.5:
            add_link(text, *rng.choice(vocabulary.LINKS))
        elif draw < 0.54:
            add_poll(text, twitter_time(self.now + timedelta(days=1)), rng)
        return text

    def _crowd(self, subject: Subject) -> Text:
        """Return a text with CROWD mentions that matches `subject`."""
        text, rng = Text(), self.rng
        if isinstance(subject, str):
            add_term(text, subject, rng)
        for n in range(CROWD):
            name, screen_name = rng.choice(vocabulary.NAMES)
            add_mention(text, f"{screen_name[:12]}{n}", name, rng.randrange(1 << 33))
        add_sentence(text, rng)
        return text


def _texts(text: Text, stamp: Stamp) -> Json:
    """Return the members that hold `text`: a long one is cut, and whole in extended_tweet."""
    text = text.with_code(stamp.code)
    if len(text.text) <= CLASSIC_LENGTH:
        return {"text": text.text, "truncated": False, **entity_members(text)}
    short = text.cut(CLASSIC_LENGTH - LINK_ROOM - 1)
    link = f"https://t.co/{stamp.code}"
    whole = f"https://twitter.com/i/web/status/{stamp.post_id}"
    short.add(link, "urls", url=link, expanded_url=whole, display_url="twitter.com/i/web/status/…")
    extended = {"full_text": text.text, "display_text_range": [0, len(text.text)]}
    said: Json = {"text": short.text, "truncated": True, **entity_members(short)}
    return {**said, "extended_tweet": {**extended, **entity_members(text)}}
