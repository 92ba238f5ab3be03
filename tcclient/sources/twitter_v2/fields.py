"""
What X API v2 is asked to tell of a post: by itself it gives `id` and `text` only.

The names are those of openapi.json at docs.x.com (2.167, August 2026) for the streams' parameters
tweet.fields, expansions, user.fields, media.fields, poll.fields and place.fields.  All of them
are here but for:
- metrics that are the author's own: non_public_metrics, organic_metrics, promoted_metrics (X adds
  an error to every post for them);
- what is about the person who asks, and an app is none: confirmed_email, connection_status,
  receives_your_dm, subscription;
- matched_media_notes and note_request_suggestions: for writers of Community Notes; elsewhere X
  has answered 400 to the whole request;
- the expansion edit_history_tweet_ids: X then sends each post twice over in one line, which makes
  lines a third longer and says nothing unless it was edited.  The field of that name is there.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

_NAME = r"[a-z0-9_]+(?:\.[a-z0-9_]+)*"

_NAMES = {
    "tweet.fields": """
        article attachments author_id card_uri community_id context_annotations conversation_id
        created_at display_text_range edit_controls edit_history_tweet_ids entities geo id
        in_reply_to_user_id lang media_metadata note_tweet paid_partnership possibly_sensitive
        public_metrics referenced_tweets reply_settings scopes source suggested_source_links
        suggested_source_links_with_counts text withheld
    """,
    "expansions": """
        article.cover_media article.media_entities attachments.media_keys
        attachments.media_source_tweet attachments.poll_ids author_id
        entities.mentions.username entities.note.mentions.username geo.place_id in_reply_to_user_id
        referenced_tweets.id referenced_tweets.id.attachments.media_keys
        referenced_tweets.id.author_id
    """,
    "user.fields": """
        affiliation created_at description entities id is_identity_verified location
        most_recent_tweet_id name parody pinned_tweet_id profile_banner_url profile_image_url
        protected public_metrics subscription_type url username verified verified_followers_count
        verified_type withheld
    """,
    "media.fields": """
        alt_text duration_ms height media_key preview_image_url public_metrics type url variants
        width
    """,
    "poll.fields": "duration_minutes end_datetime id options voting_status",
    "place.fields": "contained_within country country_code full_name geo id name place_type",
}
DEFAULTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {parameter: tuple(names.split()) for parameter, names in _NAMES.items()}
)
"""
What is asked for unless the settings say otherwise: parameter -> names of fields.  `note_tweet` is
the whole text of a post of more than 280 characters.
"""
_MORE = {"expansions": ("edit_history_tweet_ids",)}
"""What is known too, and is asked for by whoever wants it."""


def parameters(overrides: Mapping[str, Sequence[str]] | None = None) -> dict[str, str]:
    """
    Return the parameters of a stream's URL: name -> names of fields, joined with commas.  An
    override replaces the whole list of one parameter; an empty list leaves the parameter out.  A
    field need not be one of DEFAULTS.

    Raises ValueError, with a sentence, for a parameter that does not exist and for what cannot be
    the name of a field.
    """
    chosen = {**DEFAULTS, **(overrides or {})}
    for parameter, names in chosen.items():
        if parameter not in DEFAULTS:
            raise ValueError(f"{parameter!r} is not one of {', '.join(DEFAULTS)}")
        for name in names:
            if not re.fullmatch(_NAME, name):
                raise ValueError(f"{name!r} in {parameter} is not the name of a field")
    return {
        parameter: ",".join(dict.fromkeys(names)) for parameter, names in chosen.items() if names
    }


def unknown(overrides: Mapping[str, Sequence[str]] | None) -> list[str]:
    """Return the fields in the overrides that are not known; they need not be wrong."""
    return [
        name
        for parameter, names in (overrides or {}).items()
        for name in names
        if name not in (*DEFAULTS.get(parameter, ()), *_MORE.get(parameter, ()))
    ]
