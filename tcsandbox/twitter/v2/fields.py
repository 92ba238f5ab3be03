"""
What a stream's query may ask for, and how a post is cut down to it.

Pure.  The names are those of openapi.json at docs.x.com for both streams; fields that only the
author may see are known and never given.
"""

from collections.abc import Mapping, Set
from typing import Any

import attrs

from tcsandbox.twitter.v2 import problems
from tcsandbox.twitter.v2.problems import Denied


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


KNOWN: Mapping[str, frozenset[str]] = {
    "tweet.fields": _names(
        "article attachments author_id card_uri community_id context_annotations "
        "conversation_id created_at display_text_range edit_controls "
        "edit_history_tweet_ids entities geo id in_reply_to_user_id lang "
        "matched_media_notes media_metadata non_public_metrics note_tweet "
        "note_request_suggestions organic_metrics paid_partnership possibly_sensitive "
        "promoted_metrics public_metrics referenced_tweets reply_settings scopes source "
        "suggested_source_links suggested_source_links_with_counts text withheld"
    ),
    "expansions": _names(
        "article.cover_media article.media_entities attachments.media_keys "
        "attachments.media_source_tweet attachments.poll_ids author_id "
        "edit_history_tweet_ids entities.mentions.username "
        "entities.note.mentions.username geo.place_id in_reply_to_user_id "
        "referenced_tweets.id referenced_tweets.id.attachments.media_keys "
        "referenced_tweets.id.author_id"
    ),
    "user.fields": _names(
        "affiliation confirmed_email connection_status created_at description entities id "
        "is_identity_verified location most_recent_tweet_id name parody pinned_tweet_id "
        "profile_banner_url profile_image_url protected public_metrics receives_your_dm "
        "subscription subscription_type url username verified verified_followers_count "
        "verified_type withheld"
    ),
    "media.fields": _names(
        "alt_text duration_ms height media_key non_public_metrics organic_metrics "
        "preview_image_url promoted_metrics public_metrics type url variants width"
    ),
    "poll.fields": _names("duration_minutes end_datetime id options voting_status"),
    "place.fields": _names(
        "contained_within country country_code full_name geo id name place_type"
    ),
}
OTHERS = frozenset({"backfill_minutes", "start_time", "end_time"})

_ALWAYS = {
    "tweet.fields": {"id", "text", "edit_history_tweet_ids"},
    "user.fields": {"id", "name", "username"},
    "media.fields": {"media_key", "type"},
    "poll.fields": {"id", "options"},
    "place.fields": {"id", "full_name"},
}
_EMPTY = ("attachments", "geo")
"""Stand in each post of which they are asked for, also where it has none."""
_INCLUDED = {  # the member of includes -> how its objects are cut, and what asks for them
    "users": ("user.fields", ("author_id", "in_reply_to_user_id", "mentions.username")),
    "tweets": ("tweet.fields", ("referenced_tweets.id",)),
    "media": ("media.fields", ("media_keys",)),
    "polls": ("poll.fields", ("poll_ids",)),
    "places": ("place.fields", ("place_id",)),
}


@attrs.frozen
class Selection:
    """What was asked for: names, by parameter."""

    names: Mapping[str, frozenset[str]]

    def cut(self, post: Any) -> dict[str, Any]:
        """
        Return `post`, which has everything, with only what was asked for: each object's members in
        alphabetical order, as X sends them.
        """
        asked = self.names["tweet.fields"]
        whole = {name: {} for name in _EMPTY if name in asked} | post["data"]
        expanded = {name.partition(".")[0] for name in self.names["expansions"]}
        data = self._object(whole, "tweet.fields", expanded)
        result: dict[str, Any] = {"data": data}
        includes = {}
        for name, (parameter, askers) in _INCLUDED.items():
            if name in post["includes"] and self._wants(askers):
                cut = [self._object(found, parameter) for found in post["includes"][name]]
                includes[name] = cut
        if "edit_history_tweet_ids" in self.names["expansions"]:
            # What edits led to is the post itself.
            includes["tweets"] = [data, *includes.get("tweets", ())]
        if includes:
            result["includes"] = includes
        if "errors" in post and self._wants(("referenced_tweets.id",)):
            result["errors"] = post["errors"]
        return result

    def _object(self, found: Any, parameter: str, more: Set[str] = frozenset()) -> dict[str, Any]:
        wanted = _ALWAYS[parameter] | self.names[parameter] | more
        return {name: found[name] for name in sorted(found) if name in wanted}

    def _wants(self, askers: tuple[str, ...]) -> bool:
        """Return whether one of the expansions asked for is, or ends like, one of `askers`."""
        asked = self.names["expansions"]
        return any(name == asker or name.endswith(asker) for name in asked for asker in askers)


def read_selection(params: Mapping[str, str]) -> Selection:
    """Return what the query `params` ask for; raise Denied for what X does not know."""
    for name in params:
        if name not in KNOWN and name not in OTHERS:
            known = ",".join(sorted({*KNOWN, *OTHERS}))
            message = f"The query parameter [{name}] is not one of [{known}]"
            raise Denied(problems.invalid_request(message, **{name: [params[name]]}))
    chosen = {}
    for name, known_values in KNOWN.items():
        values = [value for value in params.get(name, "").split(",") if value]
        for value in values:
            if value not in known_values:
                known = ",".join(sorted(known_values))
                message = f"The `{name}` query parameter value [{value}] is not one of [{known}]"
                raise Denied(problems.invalid_request(message, **{name: values}))
        chosen[name] = frozenset(values)
    return Selection(chosen)
