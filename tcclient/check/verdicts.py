"""
What `--check` makes of what it finds: one line a check, in plain words.  Pure.

Knows what is surely wrong with file modes, CA stores and addresses, and what answers mean; reads,
resolves and connects nothing.
"""

import enum
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from ipaddress import IPv6Address, ip_address

import attrs

from tcclient.config.document import one_line
from tcclient.config.settings import Secret, Twitter, TwitterAuth
from tcclient.control.client import JobList
from tcclient.sources.twitter import credentials as shapes
from tcclient.sources.twitter_v1 import api as v1
from tcclient.sources.twitter_v2 import api as v2
from tcclient.sources.twitter_v2.budget.budget import Budget, utc_minute
from tcclient.sources.twitter_v2.fields import unknown
from tcclient.sources.twitter_v2.rules.ruleset import PresentRule, job_of
from tcclient.stream.streamapi import Refusal

READABLE_BY_OTHERS = 0o044
CA_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")

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


def settings(path: str, twitter: Twitter) -> Verdict:
    """Of a file that could be loaded."""
    doubts = [*_impatience(twitter), *_unknown_fields(twitter)]
    return warn(f"{path} can be used, but {'; '.join(doubts)}") if doubts else ok(f"{path} is good")


def _impatience(twitter: Twitter) -> Iterator[str]:
    keep_alive = v2.KEEP_ALIVE if twitter.api == "2" else v1.KEEP_ALIVE
    timeout = twitter.stall_timeout
    if timeout is not None and timeout <= keep_alive:
        yield (
            f"a silent stream may send nothing for {keep_alive:g} s: with twitter.stall_timeout at "
            f"{timeout:g} s it is given up while it is well"
        )


def _unknown_fields(twitter: Twitter) -> Iterator[str]:
    names = unknown(twitter.fields) if twitter.api == "2" else []
    if names:
        yield (
            f"twitter.fields has {', '.join(names[:5])}, which tcc does not know: X refuses the "
            "stream where it does not know a name either"
        )


def permissions(mode: int, path: str) -> Verdict:
    """Of the settings file, which usually holds secrets; `mode` as in st_mode."""
    if mode & READABLE_BY_OTHERS:
        return warn(
            f"others than its owner can read the settings file (mode {mode & 0o7777:04o}): "
            f"chmod 600 {shlex.quote(path)}"
        )
    return ok("only its owner can read the settings file")


def credentials(auth: TwitterAuth, api: str, auth_token: Secret) -> Verdict:
    """Of those that `api` uses; fails on what is surely wrong only."""
    faults = shapes.faults(auth, api, auth_token)
    if faults:
        return fail("in twitter_auth " + "; ".join(faults))
    *others, last = shapes.used(auth, api)
    if not others:
        return ok(f"{last} of twitter_auth looks plausible")
    return ok(f"{', '.join(others)} and {last} of twitter_auth look plausible")


def base_dir(folder: str, made: bool, free: int, least: int) -> Verdict:
    """Of a folder that can be written, and was made for that or not; the rest in bytes."""
    can = f"{folder} {'was made and ' if made else ''}can be written"
    if free < least:
        return fail(
            f"{can}, but has {free} bytes free, and nothing is stored with less than {least} "
            "(output.min_free_bytes)"
        )
    return ok(f"{can}; {free // 1_000_000:,} MB are free")


def budget(found: Budget) -> Verdict:
    """Of one that could be read.  While a client runs, what it has bought last is an estimate."""
    clauses = []
    for level in found.levels():
        left = f"{level.limit - level.spent} are left"
        if level.exhausted:
            left = f"and nothing is captured before {utc_minute(found.renewed_at(level))}"
        clauses.append(f"of this {level.name}'s {level.limit} posts {level.used} are used, {left}")
    text = "; ".join(clauses)
    return ok(text) if found.exhausted() is None else warn(text)


def illegible_budget(path: str, reason: str) -> Verdict:
    """Of one that could not; `reason` is a clause."""
    return warn(
        f"{path} cannot be read ({reason}): the budget counts as used up until the next period. "
        "To begin at 0, remove the file while the client is down"
    )


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


def stream_host(
    key: str, host: str, addresses: Collection[str], source_addr: str | None
) -> Verdict:
    """
    `addresses` are all that `host` has, none where its name cannot be resolved; `key` of the
    settings names it.
    """
    if not addresses:
        return fail(f"{host} cannot be resolved: check {key} and this machine's name servers")
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


def x_api(api_url: str, rules: Collection[PresentRule], prefix: str) -> Verdict:
    """Of X, when it has told the app's `rules`; tags of this client's begin with `prefix`."""
    count = len(rules)
    text = f"{api_url} answers; the app has {count or 'no'} rule{'' if count == 1 else 's'}"
    foreign = sum(job_of(rule.tag, prefix) is None for rule in rules)
    if not foreign:
        return ok(text)
    return ok(f"{text}, {foreign} of them other programs': their posts come here and are billed")


def x_refused(api_url: str, reason: str, refusal: Refusal) -> Verdict:
    """Of X, when it has not; `reason` is a clause."""
    said = f" ({refusal.explanation})" if refusal.explanation else ""
    advice = f". {refusal.advice}" if refusal.advice else ""
    return fail(f"{api_url}: {reason}{said}{advice}")
