#!/usr/bin/env bash
# In a test module for trial (Twisted 26.10), `from contextlib import suppress` breaks every test.
#
# trial reads an attribute `suppress` of the test, of its class and of its MODULE as the list of
# warnings to be suppressed; a function or class of that name that a module imports for itself is
# taken for this list.  No test runs: each ends with an error that names neither the import nor the
# attribute.  With `import contextlib` the same test passes.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check Twisted==26.10.0 2>/dev/null
cd "$work"
for how in "from contextlib import suppress" "import contextlib"; do
    cat > test_sum.py <<PY
from twisted.trial.unittest import SynchronousTestCase

$how


class SumTests(SynchronousTestCase):
    def test_sum(self):
        self.assertEqual(1 + 1, 2)
PY
    echo "== $how"
    PYTHONPATH=. PYTHONDONTWRITEBYTECODE=1 env/bin/trial test_sum > out.txt 2>&1 || true
    tail -n 1 out.txt
    case $how in
        from*) grep "TypeError: 'ABCMeta' object is not iterable" out.txt
               grep -q "^FAILED (errors=1)" out.txt ;;
        *) grep -q "^PASSED (successes=1)" out.txt ;;
    esac
done
