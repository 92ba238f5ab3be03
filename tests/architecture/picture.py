"""
Draws the rooms from the import contracts and from the imports that there are, and lists what is in
them by the first sentence of each module.

`python -m tests.architecture.picture` prints both as they stand in docs/architecture.md; with
`--write` it puts them there.
"""

import ast
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[2]
MAP = ROOT / "docs" / "architecture.md"
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]
TOP = "tcclient"
SOURCES = "tcclient.sources"
LISTED = ("tcaccount", TOP, "tcsandbox", "tcserver")
MOVED = ("tcclient.account", "tcclient.sandbox")
"""Old names of packages that have moved, which start the new ones: no rooms."""


def layers(container: str) -> list[list[str]]:
    """Return the layers of a package by its contract, the highest first: whole names."""
    [contract] = [c for c in CONTRACTS if c.get("containers") == [container]]
    split = (layer.replace(":", "|").split("|") for layer in contract["layers"])
    return [[f"{container}.{name.strip()}" for name in names] for names in split]


def rooms() -> list[list[str]]:
    """Return all rooms by floors, the highest first; the sources are rooms of their own."""
    floors: list[list[str]] = [["tcaccount", "tcsandbox", "tcserver"]]
    for names in layers(TOP):
        if {*names} == {*MOVED}:
            continue
        inner = layers(SOURCES) if names == [SOURCES] else [names]
        # What sources share besides a room is drawn as one.
        floors += [[SOURCES] if f"{SOURCES}.source" in floor else floor for floor in inner]
    return floors


def room_of(module: str, names: Iterable[str]) -> str | None:
    """Return the innermost of the rooms that a module is in."""
    found = (name for name in names if module == name or module.startswith(f"{name}."))
    return max(found, key=len, default=None)


def arrows(names: list[str]) -> set[tuple[str, str]]:
    """Return which room imports which, without what follows from other arrows."""
    graph = grimp.build_graph(*LISTED, cache_dir=None)
    found: dict[str, set[str]] = {name: set() for name in names}
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            one, other = room_of(module, names), room_of(imported, names)
            if one is not None and other is not None and one != other:
                found[one].add(other)
    return {(a, b) for a in found for b in found[a] if not _leads_to(b, found[a] - {b}, found)}


def _leads_to(target: str, starts: Iterable[str], graph: dict[str, set[str]]) -> bool:
    seen, left = set[str](), list(starts)
    while left:
        room = left.pop()
        if room == target:
            return True
        if room not in seen:
            seen.add(room)
            left += graph[room]
    return False


def picture() -> Iterator[str]:
    """Yield the lines of a flow chart in Mermaid."""
    floors = rooms()
    names = [name for floor in floors for name in floor]
    yield "```mermaid"
    yield "flowchart TD"
    for name in names:
        shown = "sources, shared" if name == SOURCES else name.removeprefix(TOP + ".")
        yield f'    {_node(name)}["{shown}"]'
    for one, other in sorted(arrows(names), key=lambda pair: (*map(names.index, pair),)):
        yield f"    {_node(one)} --> {_node(other)}"
    yield "```"


def _node(name: str) -> str:
    return name.replace(".", "_")


def listing() -> Iterator[str]:
    """Yield a list of the modules, room by room, the highest first."""
    names = [name for floor in rooms() for name in floor if name.split(".")[0] in LISTED]
    paths = {path: _module(path) for top in LISTED for path in sorted((ROOT / top).rglob("*.py"))}
    for room in names:
        found = [path for path, module in paths.items() if room_of(module, names) == room]
        if (ROOT / room.replace(".", "/")).is_dir():
            yield f"### {room}"
            yield ""
            yield _first_sentence(ROOT / room.replace(".", "/") / "__init__.py")
        else:
            yield f"### {room}, a module"
        yield ""
        yield from (_entry(path) for path in found if not _is_left_out(path))
        yield ""


def _is_left_out(path: Path) -> bool:
    """Return whether a module is a package's own, or a migration, which Django writes."""
    return path.name.startswith("__") or path.parent.name == "migrations"


def _entry(path: Path) -> str:
    relative = path.relative_to(ROOT)
    shown = str(relative).removeprefix(f"{TOP}/")
    return f"- [`{shown}`](../{relative}): {_first_sentence(path)}"


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _first_sentence(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    paragraph = " ".join(text.split("\n\n")[0].split())
    return f"{paragraph.split('.  ')[0].removesuffix('.')}."


def drawn(text: str) -> str:
    """Return the map with picture and list as they are now, between their marks."""
    for mark, lines in (("picture", picture()), ("modules", listing())):
        before, rest = text.split(f"<!-- {mark} -->\n")
        after = rest.split(f"<!-- end of {mark} -->\n")[1]
        body = "\n".join(lines).strip("\n")
        text = f"{before}<!-- {mark} -->\n{body}\n<!-- end of {mark} -->\n{after}"
    return text


def main() -> None:
    """Print the map, or write it."""
    text = drawn(MAP.read_text())
    if sys.argv[1:] == ["--write"]:
        MAP.write_text(text)
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
