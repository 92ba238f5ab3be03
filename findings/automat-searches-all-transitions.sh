#!/usr/bin/env bash
# An input of an Automat machine (25.4.16, TypeMachineBuilder) costs the more the more transitions
# all its states have together, also one that is ignored where it comes; and another Python process
# pays another price for the same machine.
#
# The transitions of the whole machine are in a frozenset, which is gone through until the one of
# this state and this input is found: half of them in the mean, in an order that follows the hashes
# of this process.  With 200 states one looping input takes from three to eighty times what it takes
# with one.  Who sends many inputs that are known to do nothing should not send them.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check Automat==25.4.16 2>/dev/null
cd "$work"
cat > cost.py <<'PY'
import timeit
from typing import Protocol

from automat import TypeMachineBuilder


def cost(states):
    class Inputs(Protocol):
        def go(self) -> None: ...

    class Core:
        pass

    builder = TypeMachineBuilder(Inputs, Core)
    for number in range(states):
        builder.state(f"s{number}").upon(Inputs.go).loop().returns(None)
    machine = builder.build()(Core())
    return min(timeit.repeat(machine.go, number=2000, repeat=5))


print(cost(200) / cost(1))
PY
env/bin/pip list 2>/dev/null | grep -i "^automat "
for seed in 1 2 3 4 5 6 7 8 9; do
    PYTHONHASHSEED=$seed env/bin/python cost.py
done > ratios
echo "== 200 states against one, in nine processes: $(sort -g ratios | cut -c1-4 | tr '\n' ' ')"
env/bin/python - <<'PY'
ratios = sorted(float(line) for line in open("ratios"))
assert ratios[4] > 4, ratios
assert ratios[8] > 2 * ratios[0], ratios
PY
