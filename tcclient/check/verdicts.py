"""
The verdicts of `--check` on what it finds, and the lines that tell them.  Pure.

Knows what is surely wrong with file modes, CA stores and addresses, and what answers mean; reads,
resolves and connects nothing.
"""

import shlex
from collections.abc import Collection, Iterable, Mapping
from ipaddress import IPv6Address, ip_address

from tcclient.control.client import JobList
from tcclient.runtime.places import printable
from tcclient.runtime.secrets import Secret
from tcclient.runtime.verdicts import Verdict, fail, ok, warn

READABLE_BY_OTHERS = 0o044
"""The bits of a file's mode with which group or others can read it."""
CA_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""The environment variables that tell OpenSSL where CA certificates are."""

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


def permissions(mode: int, path: str) -> Verdict:
    """Return the verdict on who can read the settings file; `mode` is its st_mode."""
    if mode & READABLE_BY_OTHERS:
        return warn(
            f"others than its owner can read the settings file (mode {mode & 0o7777:04o}): "
            f"chmod 600 {shlex.quote(path)}"
        )
    return ok("only its owner can read the settings file")


def base_dir(folder: str, made: bool, free: int, least: int) -> Verdict:
    """
    Return the verdict on a folder that can be written.  `made` says whether it had to be made;
    `free` are the bytes that it has, `least` those that it needs.
    """
    can = f"{folder} {'was made and ' if made else ''}can be written"
    if free < least:
        return fail(
            f"{can}, but has {free} bytes free, and nothing is stored with less than {least} "
            "(output.min_free_bytes)"
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


def server(base_url: str, answer: JobList) -> Verdict:
    """Return the verdict on a server that has answered with its list of jobs."""
    count = len(answer.jobs)
    jobs = "1 job is" if count == 1 else f"{count} jobs are"
    text = f"{base_url} answers; {jobs} assigned to this client"
    if answer.problems:
        reasons = "; ".join(dict.fromkeys(answer.problems))
        return warn(f"{text}, and {len(answer.problems)} more cannot be read: {reasons}")
    return ok(text)
