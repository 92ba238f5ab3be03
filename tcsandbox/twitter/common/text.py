"""A post's text under construction, and its entities, whose indices count code points."""

import json

import attrs

Json = dict[str, object]
Entity = tuple[str, int, int, Json]  # kind, start, end, all members but the indices

# Stand for what differs from post to post: the id, the time, and ten characters of t.co links.
POST_ID = "777000111000777001"
CREATED_AT = "zqCREATEDzq"
CODE = "zqCODEzq01"


@attrs.define
class Text:
    """A text; `at` holds its entities in the order in which they were added."""

    text: str = ""
    at: list[Entity] = attrs.Factory(list)

    def add(self, piece: str, kind: str | None = None, **members: object) -> None:
        """Append `piece` after a space, as an entity when `kind` is given."""
        start = len(self.text) + 1 if self.text else 0
        self.text = f"{self.text} {piece}" if self.text else piece
        if kind is not None:
            self.at.append((kind, start, len(self.text), members))

    def cut(self, length: int) -> "Text":
        """
        Return the first `length` code points with an ellipsis, and the entities still whole.

        A text that is no longer than that is returned as it is.
        """
        if len(self.text) <= length:
            return self
        kept = [entity for entity in self.at if entity[2] <= length]
        return Text(self.text[:length].rstrip() + "…", kept)

    def behind(self, prefix: "Text") -> "Text":
        """Return `prefix`, a space and this text; the entities of both keep their words."""
        by = len(prefix.text) + 1
        moved = [(kind, start + by, end + by, m) for kind, start, end, m in self.at]
        return Text(f"{prefix.text} {self.text}", prefix.at + moved)

    def with_code(self, code: str) -> "Text":
        """Return this text with `code` instead of CODE in its links."""
        at = [
            (kind, start, end, {k: _recoded(v, code) for k, v in members.items()})
            for kind, start, end, members in self.at
        ]
        return Text(self.text.replace(CODE, code), at)


def unescape(post: bytes) -> bytes:
    r"""Return the JSON line `post` in UTF-8 instead of ASCII with \u escapes, CRLF at its end."""
    text = json.dumps(json.loads(post), separators=(",", ":"), ensure_ascii=False)
    return text.encode() + b"\r\n"


def as_format(post: bytes) -> bytes:
    """Return an encoded post as a bytes format, with the keys id, at and code for its own parts."""
    text = post.replace(b"%", b"%%").replace(POST_ID.encode(), b"%(id)d")
    return text.replace(CREATED_AT.encode(), b"%(at)b").replace(CODE.encode(), b"%(code)010x")


def _recoded(value: object, code: str) -> object:
    return value.replace(CODE, code) if isinstance(value, str) else value
