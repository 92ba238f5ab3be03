"""What a check of an installation finds of the Redis by which its processes tell each other."""

from redis import Redis
from redis.exceptions import NoPermissionError, RedisError

from tcserver.environment import REDIS
from tcserver.management.findings import CheckLine, problem, well

WITHIN = 5
"""Seconds in which it answers."""
CHANNEL = "tcserver-check"
"""Nobody listens to it."""
WITHOUT = "hear of each other by the database alone, within 3 seconds"


def of_redis(url: str | None) -> CheckLine:
    """Return whether the Redis at an address takes messages, and of which release it is."""
    if url is None:
        return well("Redis", f"{REDIS} is not set: one process needs none; several {WITHOUT}.")
    try:
        with Redis.from_url(url, socket_timeout=WITHIN, socket_connect_timeout=WITHIN) as redis:
            redis.publish(CHANNEL, "")
            release = _release(redis)
    except (RedisError, OSError, ValueError) as e:
        reason = str(e).strip().partition("\n")[0].rstrip(".")
        return problem("Redis", f"it cannot be used: {reason}. Until it can, processes {WITHOUT}.")
    return well("Redis", f"{release} takes messages; while it is away, processes {WITHOUT}.")


def _release(redis: Redis) -> str:
    """Return what it calls itself, as far as this user may know."""
    try:
        return f"release {redis.info('server')['redis_version']}"
    except NoPermissionError:
        return "it"
