"""
The verdicts of `--check` on what it finds, and the lines that tell them.  Pure.

Knows what is surely wrong with file modes, CA stores and addresses, and what answers mean; reads,
resolves and connects nothing.
"""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv6Address, ip_address

from tcclient.control.client import JobList
from tcclient.ledger.entries import RefusedTerm
from tcclient.ledger.wording import length
from tcclient.runtime.places import printable
from tcclient.runtime.secrets import Secret
from tcclient.runtime.verdicts import Verdict, fail, ok, warn
from tcclient.sources.terms import MOST_TERMS, UNSURE

Doubts = Callable[[str | None], Sequence[RefusedTerm]]

CA_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""The environment variables that tell OpenSSL where CA certificates are."""

SCARCE = 86_400.0
"""Seconds: a disk that is full sooner is warned of."""

_MOST_SHOWN = 80  # characters of a doubtful term
_SHORTEST_HIDDEN = 6  # a shorter one is no secret, and replacing it would garble words


def line(subject: str, verdict: Verdict, secrets: Iterable[Secret]) -> str:
    """Return the aligned line of a check, without any secret that a server's answer repeats."""
    text = verdict.text
    for secret in sorted((secret.reveal() for secret in secrets), key=len, reverse=True):
        if len(secret) >= _SHORTEST_HIDDEN:
            text = text.replace(secret, "...")
    return f"{verdict.outcome:<4}  {subject:<11}  {printable(text)}"


def settings(path: str, doubts: Iterable[str]) -> Verdict:
    """Return the verdict on a file that could be loaded; `doubts` are clauses about its keys."""
    found = "; ".join(doubts)
    return warn(f"{path} can be used, but {found}") if found else ok(f"{path} is good")


def permissions(exposures: Sequence[str]) -> Verdict:
    """Return the verdict on who can read secrets; `exposures` are clauses about files."""
    if exposures:
        return warn("; ".join(exposures))
    return ok("only their owner can read the files with secrets")


def slots(minutes: int) -> Iterator[str]:
    """Yield a clause about an interval at which files end, if it does not divide an hour."""
    if 60 % minutes:
        rest = 60 % minutes
        yield (
            f"output.minute_interval is {minutes}, which does not divide 60: the last file of each "
            f"hour has {rest} min"
        )


def base_dir(folder: str, exists: bool, free: int, least: int, daily: int = 0) -> Verdict:
    """
    Return the verdict on a folder that can be written, or made.  `free` are the bytes that it has,
    `least` those that it needs, and `daily` those that came to it within the last day.
    """
    can = f"{folder} can be {'written' if exists else 'made'}"
    if free < least:
        return fail(
            f"{can}, but has {free} bytes free, and nothing is stored with less than {least} "
            "(output.min_free_bytes)"
        )
    lasts = (free - least) / daily * 86_400 if daily else math.inf
    if lasts < SCARCE:
        return warn(
            f"{can}; {free // 1_000_000:,} MB are free, and capturing stops at "
            f"{least // 1_000_000:,} MB: at the last day's rate that is {length(lasts)}"
        )
    if free < 2 * least:
        return warn(
            f"{can}; {free // 1_000_000:,} MB are free, and capturing stops at "
            f"{least // 1_000_000:,} MB"
        )
    return ok(f"{can}; {free // 1_000_000:,} MB are free")


def ca_places(environ: Mapping[str, str], defaults: Iterable[str]) -> tuple[str, ...]:
    """Return where CA certificates are looked for: where the variables say, else `defaults`."""
    named = [environ[name] for name in CA_VARIABLES if name in environ]
    if not named:
        return tuple(defaults)
    return tuple(place for value in named for place in value.split(":") if place)


def ca_store(places: Collection[str], found: str | None, environ: Mapping[str, str]) -> Verdict:
    """Return the verdict on the CA store; `found` is the first of `places` with certificates."""
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
    Return the verdict on the host of the stream, which the `key` of the settings names.
    `addresses` are all that it has, none if its name cannot be resolved; the stream leaves from
    `source_addr`, or from any address if that is None.
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


def server(base_url: str, answer: JobList, client_id: int, doubts: Doubts) -> Verdict:
    """
    Return the verdict on a server that has answered `client_id` with its list of jobs; `doubts`
    returns the terms of a keyword text that may not find what is meant.
    """
    count = len(answer.jobs)
    jobs = "1 job is" if count == 1 else f"{count} jobs are"
    text = f"{base_url} answers; {jobs} assigned to this client"
    workers = {job.assigned_worker for job in answer.jobs} - {None}
    if workers - {client_id}:
        known = ", ".join(map(str, sorted(workers, key=str)))
        return fail(
            f"{text}, as client {known}, and server.client_id is {client_id}: correct that, or "
            "server.auth_token"
        )
    if answer.problems:
        reasons, number = "; ".join(answer.problems), sum(answer.problems.values())
        text += f", and {number} more cannot be read: {reasons}"
    found = [
        f"job {job.name!r}: the term {one.term[:_MOST_SHOWN]!r} {UNSURE}: {one.reason}"
        for job in answer.jobs
        if job.wanted
        for one in doubts(job.keywords)
    ]
    more = [f"and {len(found) - MOST_TERMS} more"] if found[MOST_TERMS:] else []
    text = "; ".join([text, *found[:MOST_TERMS], *more])
    return warn(text) if answer.problems or found else ok(text)
