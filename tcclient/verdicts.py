"""
What `--check` makes of what it finds: one line a check, in plain words.  Pure.

Knows what is surely wrong with credentials, file modes, CA stores and addresses; reads, resolves
and connects nothing.
"""

import enum
import re
import shlex
from collections.abc import Collection, Iterable, Mapping
from ipaddress import IPv6Address, ip_address
from itertools import combinations

import attrs

from tcclient.control import JobList
from tcclient.document import one_line
from tcclient.settings import Secret, TwitterAuth

READABLE_BY_OTHERS = 0o044
CA_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")

# Twitter's keys had 18 to 25 characters and its secrets 40 to 50, the oldest included.
_LONGEST_KEY = 30
_SHORTEST_SECRET = 36
_USER_TOKEN = re.compile(r"[0-9]+-.+")
_BEARER_TOKEN = re.compile(r"A{15,}.{40,}")
_WRAPPING = "\"'`<>,;"
_SHORTEST_HIDDEN = 6  # a shorter one is no secret, and replacing it would garble words


class Level(enum.StrEnum):
    """How a check ended; only FAIL makes the whole fail."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@attrs.frozen
class Verdict:
    """One check's result; `text` is a clause or two that name what to do."""

    level: Level
    text: str


def ok(text: str) -> Verdict:
    """Nothing to do."""
    return Verdict(Level.OK, text)


def warn(text: str) -> Verdict:
    """It may run, and probably not as it is meant to."""
    return Verdict(Level.WARN, text)


def fail(text: str) -> Verdict:
    """It cannot run."""
    return Verdict(Level.FAIL, text)


def line(subject: str, verdict: Verdict, secrets: Iterable[Secret]) -> str:
    """The aligned line.  A secret that a server repeats in its answer is left out."""
    text = verdict.text
    for secret in sorted((secret.reveal() for secret in secrets), key=len, reverse=True):
        if len(secret) >= _SHORTEST_HIDDEN:
            text = text.replace(secret, "...")
    return f"{verdict.level:<4}  {subject:<11}  {one_line(text)}"


def permissions(mode: int, path: str) -> Verdict:
    """Of the settings file, which usually holds secrets; `mode` as in st_mode."""
    if mode & READABLE_BY_OTHERS:
        return warn(
            f"others than its owner can read the settings file (mode {mode & 0o7777:04o}): "
            f"chmod 600 {shlex.quote(path)}"
        )
    return ok("only its owner can read the settings file")


def credentials(auth: TwitterAuth, auth_token: Secret) -> Verdict:
    """Fails on what is surely wrong only, for services that are compatible with Twitter's too."""
    values = {name: secret.reveal() for name, secret in auth.present().items()}
    values.pop("bearer_token", None)  # has no shape to speak of
    faults = [
        *_same({**values, "server.auth_token": auth_token.reveal()}),
        *_swapped(values),
        *_misshapen(values),
    ]
    if faults:
        return fail("in twitter_auth " + "; ".join(faults))
    return ok("the keys of twitter_auth look plausible")


def _same(values: Mapping[str, str]) -> list[str]:
    return [
        f"{one} and {other} have the same value"
        for one, other in combinations(values, 2)
        if values[one] == values[other]
    ]


def _swapped(values: Mapping[str, str]) -> list[str]:
    faults = []
    key, secret = values.get("api_key", ""), values.get("api_secret", "")
    if len(key) >= _SHORTEST_SECRET and len(secret) <= _LONGEST_KEY and not _is_bearer(key):
        faults.append("api_key and api_secret seem to be swapped: the key is the shorter one")
    if "access_token" not in values:
        return faults
    if _lacks_user(values["access_token"]) and not _lacks_user(
        values.get("access_token_secret", "")
    ):
        faults.append("access_token and access_token_secret seem to be swapped")
    elif _lacks_user(values["access_token"]):
        faults.append("access_token does not begin with a user's number and a hyphen")
    return faults


def _misshapen(values: Mapping[str, str]) -> list[str]:
    bearer = [f"{name} is a bearer token" for name, value in values.items() if _is_bearer(value)]
    wrapped = [
        f"{name} has a quotation mark, bracket or comma at its beginning or end"
        for name, value in values.items()
        if value.strip(_WRAPPING) != value
    ]
    return bearer + wrapped


def _lacks_user(value: str) -> bool:
    return _USER_TOKEN.fullmatch(value.strip(_WRAPPING)) is None


def _is_bearer(value: str) -> bool:
    return _BEARER_TOKEN.fullmatch(value) is not None


def ca_places(environ: Mapping[str, str], defaults: Iterable[str]) -> tuple[str, ...]:
    """The files and folders where CA certificates are looked for: the variables', or `defaults`."""
    named = [environ[name] for name in CA_VARIABLES if name in environ]
    if not named:
        return tuple(defaults)
    return tuple(place for value in named for place in value.split(":") if place)


def ca_store(places: Collection[str], found: str | None, environ: Mapping[str, str]) -> Verdict:
    """For an https address; `found` is the first of `places` that holds certificates."""
    if found is not None:
        return ok(f"CA certificates are in {found}")
    consequence = "so that no https:// address is trusted"
    named = " and ".join(name for name in CA_VARIABLES if name in environ)
    if named:
        where = ", ".join(places) or "nothing"
        return warn(f"no CA certificates where {named} says ({where}), {consequence}: correct it")
    return warn(
        f"this machine has no CA certificates, {consequence}: "
        "install the package ca-certificates, or set SSL_CERT_FILE"
    )


def stream_host(host: str, addresses: Collection[str], source_addr: str | None) -> Verdict:
    """`addresses` are all that `host` has, none where its name cannot be resolved."""
    if not addresses:
        return fail(
            f"{host} cannot be resolved: check twitter.stream_url and this machine's name servers"
        )
    by_family: dict[str, list[bool]] = {}
    for text in addresses:
        by_family.setdefault(_family(text), []).append(_is_loopback(text))
    if source_addr is not None:
        family = _family(source_addr)
        if family not in by_family:
            return warn(
                f"{host} has no {family} address, and source_addr is one: "
                "the stream cannot be reached from it"
            )
        if _is_loopback(source_addr) and not any(by_family[family]):
            return warn(
                f"{host} is not on this machine, and source_addr is a loopback address: "
                "the stream cannot be reached from it"
            )
    return ok(f"{host} has an address: {' and '.join(sorted(by_family))}")


def _family(address: str) -> str:
    return "IPv6" if isinstance(ip_address(address), IPv6Address) else "IPv4"


def _is_loopback(address: str) -> bool:
    return ip_address(address).is_loopback


def server(base_url: str, answer: JobList) -> Verdict:
    """Of a server that has answered with its list of jobs."""
    count = len(answer.jobs)
    jobs = "1 job is" if count == 1 else f"{count} jobs are"
    text = f"{base_url} answers; {jobs} assigned to this client"
    if answer.problems:
        reasons = "; ".join(dict.fromkeys(answer.problems))
        return warn(f"{text}, and {len(answer.problems)} more cannot be read: {reasons}")
    return ok(text)
