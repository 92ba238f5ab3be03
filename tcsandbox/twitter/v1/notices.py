"""
The messages besides posts that v1.1 streams send, as JSON objects.

Pure; shapes as on the "streaming message types" page, with the `timestamp_ms` that real streams
add.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from tcsandbox.twitter.common.text import Json
from tcsandbox.twitter.v1.users import twitter_time

REASONS = {
    1: "Shutdown",
    2: "Duplicate stream",
    3: "Control request",
    4: "Stall",
    5: "Normal",
    6: "Token revoked",
    7: "Admin logout",
    9: "Max message limit",
    10: "Stream exception",
    11: "Broker stall",
    12: "Shed load",
}


def delete(status_id: int, user_id: int, milliseconds: int) -> Json:
    """Return a deletion notice: its author deleted a post."""
    status: Json = {"id": status_id, "id_str": str(status_id)}
    status |= {"user_id": user_id, "user_id_str": str(user_id)}
    return {"delete": {"status": status, "timestamp_ms": str(milliseconds)}}


def scrub_geo(up_to_status_id: int, user_id: int) -> Json:
    """Return a location deletion notice: a user withdrew the places of posts up to one."""
    user: Json = {"user_id": user_id, "user_id_str": str(user_id)}
    up_to: Json = {
        "up_to_status_id": up_to_status_id,
        "up_to_status_id_str": str(up_to_status_id),
    }
    return {"scrub_geo": user | up_to}


def limit(missed: int, milliseconds: int) -> Json:
    """Return a limit notice: one counter has `missed` posts undelivered since the connect."""
    return {"limit": {"track": missed, "timestamp_ms": str(milliseconds)}}


def status_withheld(status_id: int, user_id: int, countries: Sequence[str]) -> Json:
    """Return the notice that a post may not be shown in some countries."""
    members: Json = {"id": status_id, "user_id": user_id, "withheld_in_countries": countries}
    return {"status_withheld": members}


def user_withheld(user_id: int, countries: Sequence[str]) -> Json:
    """Return the notice that a user may not be shown in some countries."""
    return {"user_withheld": {"id": user_id, "withheld_in_countries": countries}}


def disconnect(code: int, stream_name: str) -> Json:
    """Return the disconnect message that gives `code` as the reason."""
    reason = REASONS.get(code, "Unknown")
    return {"disconnect": {"code": code, "stream_name": stream_name, "reason": reason}}


def falling_behind(percent_full: int) -> Json:
    """Return the stall warning that the client's queue is `percent_full`."""
    message = (
        "Your connection is falling behind and messages are being queued for delivery to you. "
        f"Your queue is now over {percent_full}% full. "
        "You will be disconnected when the queue is full."
    )
    members: Json = {"code": "FALLING_BEHIND", "message": message, "percent_full": percent_full}
    return {"warning": members}


def event(milliseconds: int) -> Json:
    """Return the event that a user changed the profile."""
    user: Json = {"id": 1_401_881, "id_str": "1401881", "screen_name": "dougw"}
    created_at = twitter_time(datetime.fromtimestamp(milliseconds / 1000, UTC))
    return {"event": "user_update", "source": user, "target": user, "created_at": created_at}


def unknown() -> Json:
    """Return a message of a kind that nobody has documented."""
    return {"fleet_expired": {"id": 12, "children": [{"text": "not a post"}]}}
