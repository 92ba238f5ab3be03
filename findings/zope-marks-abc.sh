#!/usr/bin/env bash
# zope.interface 8.7 marks abc.ABC itself once any class below it is asked what it implements, and
# from then on import-linter 2.17 cannot make a contract in the same process.
#
# implementedBy(C) stores a `__provides__` on each base of C that can take one, abc.ABC included.
# That descriptor answers for the class it was made for and raises AttributeError for every other,
# so that for all later subclasses of ABC, of whatever package, dir() lists a name that getattr()
# does not have.  import-linter looks through dir(contract) with a plain getattr(), and ends with
# "AttributeError: __provides__" when a test runner that uses zope.interface has run before it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check zope.interface==8.7 import-linter==2.17 2>/dev/null
cat > "$work/seen.py" <<'PY'
import abc

from importlinter.contracts.independence import IndependenceContract
from zope.interface import implementedBy

RULES = {"modules": ["one", "other"]}


class Somebody(abc.ABC):
    """A class of a third package."""


def listed_and_missing(cls):
    return [name for name in dir(cls) if not hasattr(cls, name) and name == "__provides__"]


IndependenceContract("before", {}, dict(RULES))
assert "__provides__" not in vars(abc.ABC)
implementedBy(Somebody)
assert "__provides__" in vars(abc.ABC)
assert listed_and_missing(IndependenceContract) == ["__provides__"]
try:
    IndependenceContract("after", {}, dict(RULES))
except AttributeError as e:
    print("after implementedBy() of an unrelated subclass of ABC:", type(e).__name__, e)
else:
    raise SystemExit("a contract can be made: the behaviour has changed")
PY
"$work/env/bin/python" "$work/seen.py"
