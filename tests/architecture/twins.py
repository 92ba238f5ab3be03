"""
Tries the import contracts of pyproject.toml on the imports that there are, and on twins of them.

`python -m tests.architecture.twins` prints, as JSON, which contracts are kept, and which twins are
not broken although they should be.  It is a process of its own because zope.interface, which trial
uses, leaves a mark on abc.ABC with which import-linter cannot make a contract.
"""

import io
import json
import tomllib
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import grimp
from importlinter.application import use_cases
from importlinter.configuration import configure

ROOT = Path(__file__).parents[2]
PACKAGES = ("tcclient", "tcaccount", "tcsandbox", "tcserver")
CONTRACTS: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"][
    "importlinter"
]["contracts"]

BROKEN_BY: dict[str, tuple[tuple[str, str], ...]] = {
    "The account is above the client": (("tcclient.ledger.entries", "tcaccount.record"),),
    "The sandbox knows nothing of the client, nor the client of it": (
        ("tcclient.service", "tcsandbox.both"),
        ("tcsandbox.both", "tcclient.service"),
    ),
    "The sandbox knows nothing of the account, nor the account of it": (
        ("tcsandbox.both", "tcaccount.record"),
        ("tcaccount.record", "tcsandbox.both"),
    ),
    "Nothing imports the server": (
        ("tcclient.service", "tcserver.environment"),
        ("tcsandbox.both", "tcserver.captures.models"),
        ("tcaccount.record", "tcserver.environment"),
    ),
    "The server knows of the client ledgers, messages and keywords, and accounts without files": (
        ("tcserver.captures.models", "tcclient.control.client"),
        ("tcserver.api.views", "tcsandbox.server.fields"),
        ("tcserver.website.captures", "tcclient.sources.twitter_v2.rules.clauses"),
        ("tcserver.people.models", "tcaccount.verify"),
    ),
    "The server's rooms import downwards": (
        ("tcserver.serving", "tcserver.command"),
        ("tcserver.api.views", "tcserver.urls"),
        ("tcserver.api.views", "tcserver.website.forms"),
        ("tcserver.website.forms", "tcserver.api.fields"),
        ("tcserver.accounts.models", "tcserver.api.fields"),
        ("tcserver.captures.models", "tcserver.accounts.models"),
        ("tcserver.fleet.models", "tcserver.captures.models"),
        ("tcserver.people.models", "tcserver.fleet.models"),
        ("tcserver.history.models", "tcserver.people.models"),
        ("tcserver.settings", "tcserver.history.models"),
        ("tcserver.environment", "tcserver.settings"),
    ),
    "Rooms import downwards": (
        ("tcclient.service", "tcclient.command"),
        ("tcclient.check.checks", "tcclient.service"),
        ("tcclient.config.settings", "tcclient.check.checks"),
        ("tcclient.logs.observer", "tcclient.config.settings"),
        ("tcclient.captures.poller", "tcclient.logs.observer"),
        ("tcclient.sources.source", "tcclient.captures.poller"),
        ("tcclient.storage.archive", "tcclient.sources.source"),
        ("tcclient.control.client", "tcclient.storage.archive"),
        ("tcclient.stream.connection", "tcclient.storage.archive"),
        ("tcclient.stream.connection", "tcclient.control.client"),
        ("tcclient.control.client", "tcclient.stream.connection"),
        ("tcclient.http.bodies", "tcclient.stream.connection"),
        ("tcclient.ledger.entries", "tcclient.http.bodies"),
        ("tcclient.runtime.backoff", "tcclient.ledger.entries"),
    ),
    "Sources know the registry's protocol, not each other": (
        ("tcclient.sources.twitter_v1.configured", "tcclient.sources.registry"),
        ("tcclient.sources.twitter_v1.configured", "tcclient.sources.twitter_v2.configured"),
        ("tcclient.sources.twitter_v2.configured", "tcclient.sources.twitter_v1.configured"),
        ("tcclient.sources.twitter.ids", "tcclient.sources.twitter_v1.configured"),
        ("tcclient.sources.source", "tcclient.sources.twitter.ids"),
    ),
    "Only the registry knows the sources by name": (
        ("tcclient.captures.poller", "tcclient.sources.twitter_v1.configured"),
        ("tcaccount.record", "tcclient.sources.twitter_v2.entries"),
    ),
    "What both of Twitter's APIs share is theirs alone": (
        ("tcclient.captures.poller", "tcclient.sources.twitter.ids"),
        ("tcaccount.record", "tcclient.sources.twitter.ids"),
    ),
    "Which sources there are is asked by settings, root, account and server": (
        ("tcclient.captures.poller", "tcclient.sources.registry"),
    ),
    "What is found by name is found where that is said": (
        ("tcclient.storage.slots", "tcclient.runtime.byname"),
    ),
    "The command and the composition root are found by name": (
        ("tcaccount.command", "tcclient.command"),
        ("tcaccount.command", "tcclient.service"),
    ),
    "A capture is entered through the poller": (("tcclient.service", "tcclient.captures.session"),),
    "Storage is entered through folders and archive": (
        ("tcclient.captures.session", "tcclient.storage.files"),
    ),
    "How a stream is read is known to its room": (
        ("tcclient.sources.twitter_v1.configured", "tcclient.stream.fastpath.reads"),
    ),
    "The fast path imports downwards": (
        ("tcclient.stream.fastpath.reads", "tcclient.stream.fastpath.proof"),
        ("tcclient.stream.fastpath.shortcut", "tcclient.stream.fastpath.reads"),
        ("tcclient.stream.fastpath.chunks", "tcclient.stream.fastpath.shortcut"),
    ),
    "Settings are entered through settings": (("tcclient.service", "tcclient.config.schema"),),
    "No circle of modules or packages": (
        ("tcclient.runtime.backoff", "tcclient.storage.slots"),
        ("tcaccount.index", "tcaccount.record"),
        ("tcsandbox.example", "tcsandbox.both"),
        ("tcserver.captures.status", "tcserver.captures.models"),
    ),
}
"""Contract -> imports (importer, imported) that are not there, each of which would break it."""

FRONT_DOORS = {
    "tcclient.captures": {"poller"},
    "tcclient.config": {"settings"},
    "tcclient.storage": {
        "answering",
        "archive",
        "claim",
        "diskuse",
        "folders",
        "healthmark",
        "index",
        "installation",
        "latest",
        "postids",
        "room",
        "slots",
    },
    "tcclient.stream": {
        "capturestream",
        "clients",
        "connection",
        "framing",
        "standstill",
        "streamapi",
        "troublelog",
        "valve",
    },
}
"""Room -> the modules by which it is entered; all others are protected."""

EXHAUSTIVE = {
    "Rooms import downwards": "tcclient",
    "The server's rooms import downwards": "tcserver",
    "Sources know the registry's protocol, not each other": "tcclient.sources",
    "The fast path imports downwards": "tcclient.stream.fastpath",
}
"""Contract -> the package in which a new module has to be given its place."""


def is_kept(options: dict[str, Any], imports: grimp.ImportGraph) -> bool:
    """Return whether the imports keep a contract of pyproject.toml."""
    classes = dict(use_cases._get_built_in_contract_types())
    rules = {
        key: str(value) if isinstance(value, bool) else value
        for key, value in options.items()
        if key not in ("name", "type")
    }
    contract = classes[options["type"]](options["name"], {"root_packages": PACKAGES}, rules)
    with redirect_stdout(io.StringIO()):
        return contract.check(graph=imports, verbose=False).kept


def unbroken(options: dict[str, Any], imports: grimp.ImportGraph) -> Iterator[str]:
    """Yield the twins of a contract that keep it, or that cannot be made."""
    for importer, imported in BROKEN_BY.get(options["name"], (("no", "twin"),)):
        twin = f"{options['name']}: {importer} -> {imported}"
        if not {importer, imported} <= imports.modules:
            yield f"{twin}: there is no such module"
        elif imports.direct_import_exists(importer=importer, imported=imported):
            yield f"{twin}: it is imported"
        else:
            imports.add_import(importer=importer, imported=imported)
            if is_kept(options, imports):
                yield twin
            imports.remove_import(importer=importer, imported=imported)


def open_to_newcomers(options: dict[str, Any], imports: grimp.ImportGraph) -> Iterator[str]:
    """Yield the package in which a new module needs no place, though it should."""
    place = EXHAUSTIVE.get(options["name"])
    if place is not None:
        imports.add_module(f"{place}.newcomer")
        if is_kept(options, imports):
            yield f"{options['name']}: {place}.newcomer needs no place"
        imports.remove_module(f"{place}.newcomer")


def without_guard(imports: grimp.ImportGraph) -> Iterator[str]:
    """Yield the modules of rooms with front doors that are neither such a door nor protected."""
    guarded = {module for options in CONTRACTS for module in options.get("protected_modules", ())}
    for room, doors in FRONT_DOORS.items():
        for module in imports.find_children(room) - guarded - {f"{room}.{door}" for door in doors}:
            yield f"{module} is no front door, and not protected"


def main() -> None:
    """Print what was found."""
    configure()
    imports = grimp.build_graph(*PACKAGES, cache_dir=None)
    kept = [options["name"] for options in CONTRACTS if is_kept(options, imports)]
    wrong = [
        text
        for options in CONTRACTS
        for text in (*unbroken(options, imports), *open_to_newcomers(options, imports))
    ]
    wrong += without_guard(imports)
    names = {options["name"] for options in CONTRACTS}
    wrong += [f"there is no contract {name!r}" for name in BROKEN_BY if name not in names]
    print(json.dumps({"kept": kept, "unbroken": wrong}))


if __name__ == "__main__":
    main()
