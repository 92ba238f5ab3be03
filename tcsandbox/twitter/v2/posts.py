"""
Whole v2 posts as JSON objects with everything that can be asked for, written to requirements.

Knows the shape of a post and what is nested in what.  What differs from post to post is left as a
sentinel for source.py to fill in.
"""

from datetime import datetime, timedelta
from random import Random
from typing import Any

import attrs

from tcsandbox.twitter.common import vocabulary
from tcsandbox.twitter.common.text import CREATED_AT, POST_ID, Json, Text
from tcsandbox.twitter.common.writing import add_link, add_mention
from tcsandbox.twitter.v2 import objects, problems, texts
from tcsandbox.twitter.v2.clauses import PostRequirements

Part = dict[str, Any]
Includes = dict[str, list[Any]]

LONG = 280  # code points; a longer text stands whole in `note_tweet` only
KINDS = {"retweet": "retweeted", "reply": "replied_to", "quote": "quoted"}


@attrs.define
class V2PostWriter:
    """Writes posts; `now` is the time from which older ones that they refer to are dated back."""

    rng: Random
    now: datetime

    def post(self, needs: PostRequirements) -> Any:
        """Return `data`, `includes` and perhaps `errors` of a post for `needs`: 1.5 to 6 kB."""
        kinds = set(needs.kinds) or self._some_kind(needs)
        author = objects.make_user(self.rng, needs.author)
        includes: Includes = {"users": [author]}
        if "retweet" in kinds:
            data = self._retweet(needs, includes)
        else:
            data = self._written(texts.write(needs, self.rng), needs, includes)
        data.update(id=POST_ID, created_at=CREATED_AT, edit_history_tweet_ids=[POST_ID])
        data["author_id"] = author["id"]
        post: Part = {"data": data, "includes": includes}
        for kind in sorted(kinds - {"retweet"}):
            self._refer(post, kind, needs)
        known = {user["id"] for user in includes["users"]}
        for mention in data["entities"].get("mentions", ()):
            if mention["id"] not in known:
                user = objects.make_user(self.rng, mention["username"])
                includes["users"].append({**user, "id": mention["id"]})
        return post

    def _some_kind(self, needs: PostRequirements) -> set[str]:
        draw = 1.0 if needs.plain else self.rng.random()
        if draw < 0.2 and needs.box is None and not needs.has and needs.country is None:
            return {"retweet"}
        return {"quote"} if 0.2 <= draw < 0.28 else {"reply"} if 0.28 <= draw < 0.44 else set()

    def _retweet(self, needs: PostRequirements, includes: Includes) -> Part:
        writer: Any = objects.make_user(self.rng, needs.retweeted)
        stamp = self._older()
        original = self._written(texts.write(needs, self.rng), needs, includes) | stamp
        original["author_id"] = writer["id"]
        includes["users"].append(writer)
        includes.setdefault("tweets", []).append(original)
        text = Text("RT")
        add_mention(text, writer["username"], writer["name"], writer["id"])
        text.text += ":"
        # What is said stands in the original; the entities of the beginning are enough here.
        text.text = f"{text.text} {original['text']}"[: LONG // 2 - 1].rstrip() + "…"
        data = self._around(needs) | {"text": text.text, "entities": texts.entities(text)}
        return data | {"referenced_tweets": [{"type": "retweeted", "id": original["id"]}]}

    def _refer(self, post: Part, kind: str, needs: PostRequirements) -> None:
        """Make `post` a reply or a quote; one time in eight X does not find the other post."""
        anything = PostRequirements(plain=True)
        other = self._written(texts.write(anything, self.rng), anything, {}) | self._older()
        user = objects.make_user(self.rng, needs.replied_to if kind == "reply" else None)
        other["author_id"] = user["id"]
        reference = {"type": KINDS[kind], "id": other["id"]}
        post["data"].setdefault("referenced_tweets", []).append(reference)
        if kind == "reply":
            post["data"]["in_reply_to_user_id"] = user["id"]
            post["data"]["conversation_id"] = other["id"]
            post["includes"]["users"].append(user)
        if self.rng.random() < 1 / 8:
            post.setdefault("errors", []).append(_not_found(other["id"]))
            return
        post["includes"].setdefault("tweets", []).append(other)
        if user not in post["includes"]["users"]:
            post["includes"]["users"].append(user)

    def _older(self) -> Part:
        """Return the ids and times of an older post."""
        rng = self.rng
        post_id = str(rng.randrange(1 << 59, 1 << 60))
        when = self.now - timedelta(seconds=rng.randrange(60, 500_000))
        times = {"created_at": objects.iso(when), "edit_history_tweet_ids": [post_id]}
        return {"id": post_id, "conversation_id": post_id, **times}

    def _written(self, text: Text, needs: PostRequirements, includes: Includes) -> Part:
        """Return a post's own members; put what they refer to into `includes`."""
        data = self._around(needs)
        self._attach(data, text, needs, includes)
        if needs.box or needs.country or "geo" in needs.has:
            data["geo"], place = objects.make_place(self.rng, needs.box, needs.country)
            includes.setdefault("places", []).append(place)
        data["display_text_range"] = [0, min(len(text.text), LONG)]
        if len(text.text) <= LONG:
            return data | {"text": text.text, "entities": texts.entities(text)}
        short = text.cut(LONG - 6)
        note = {"text": text.text, "entities": texts.entities(text)}
        return data | {"text": short.text, "entities": texts.entities(short), "note_tweet": note}

    def _around(self, needs: PostRequirements) -> Part:
        """Return the members of a post that do not depend on its text."""
        rng = self.rng
        return {
            "id": POST_ID,
            "conversation_id": POST_ID,
            "lang": needs.lang or rng.choice(vocabulary.SENTENCES)[0],
            "possibly_sensitive": False,
            "reply_settings": "everyone",
            "public_metrics": {
                "retweet_count": rng.randrange(900),
                "reply_count": rng.randrange(30),
                "like_count": rng.randrange(5_000),
                "quote_count": 0,
                "bookmark_count": rng.randrange(20),
                "impression_count": rng.randrange(90_000),
            },
            "edit_controls": {
                "edits_remaining": 5,
                "is_edit_eligible": True,
                "editable_until": objects.iso(self.now + timedelta(hours=1)),
            },
            "context_annotations": objects.make_annotations(rng),
        }

    def _attach(self, data: Part, text: Text, needs: PostRequirements, includes: Includes) -> None:
        """Attach photos, a video or a poll to the post `data`, and add the link to `text`."""
        rng, draw = self.rng, 1.0 if needs.plain else self.rng.random()
        wanted = ["photo"] if needs.has & {"media", "images"} else []
        wanted += ["video"] if "videos" in needs.has else []
        if not wanted and draw < 0.16:
            wanted = [rng.choice(("photo", "video"))]
        media = [objects.make_medium(rng, kind) for kind in wanted]
        if media:
            keys = [medium["media_key"] for medium in media]
            data["attachments"] = {"media_keys": keys}
            includes.setdefault("media", []).extend(media)
            shown = "twitter.com/i/status/1/photo/1"
            add_link(text, f"https://{shown}", shown, media_key=keys[0])
        elif draw > 0.96 and not needs.plain:
            poll = objects.make_poll(rng, self.now + timedelta(days=1))
            data["attachments"] = {"poll_ids": [poll["id"]]}
            includes.setdefault("polls", []).append(poll)


def _not_found(post_id: str) -> Json:
    where = "referenced_tweets.id"
    detail = f"Could not find tweet with {where}: [{post_id}]."
    more: Json = {"value": post_id, "resource_id": post_id, "parameter": where}
    problem = problems.problem("Not Found Error", detail, "resource-not-found")
    return {**problem, **more, "resource_type": "tweet"}
