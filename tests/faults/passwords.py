"""Many passwords through every echo: ``python tests/faults/passwords.py --count 10000 --seed 1``.

Each password of the seed is masked in every echo, as a whole and cut. A file keeps the number of passwords that are done, so a
run that was stopped continues. A found part ends the run with the seed, the number and the echo, and without the password.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests")]

from conftest import pytest_configure  # noqa: E402

pytest_configure()

from unit.module_utils.echoes import CUT, ECHOES, left  # noqa: E402

from ansible_collections.netops.aci_calico.plugins.module_utils.masking import Mask  # noqa: E402

PRINTABLE = [chr(number) for number in range(33, 127) if chr(number) != '"']
OTHERS = [*' "', *"äöüßéñçøžЖλ中文€😀", "\t", "\n"]
AWKWARD = [*"\\'/&<>%+=#;:-_"]


def password(seed: int, number: int) -> str:
    """Return a password: mostly what the rules permit for BGP, with many special characters; some of users with any letters."""
    chance = random.Random(f"{seed}-{number}")
    letters = chance.choice([PRINTABLE, PRINTABLE + AWKWARD * 8, PRINTABLE + OTHERS * 3])
    return "".join(chance.choice(letters) for _each in range(chance.choice([8, 9, 12, 16, 24, 40, 80])))


def found(seed: int, number: int) -> str | None:
    """Return the name of the first echo of which the mask leaves a part."""
    chance, secret = random.Random(f"cuts-{seed}-{number}"), password(seed, number)
    mask = Mask([secret])
    for name, encode in ECHOES.items():
        echo = encode(secret)
        starts = [chance.randrange(len(echo) - CUT + 1) for _each in range(3)] if len(echo) > CUT else []
        cuts = [echo, *(echo[start : start + chance.randint(CUT, len(echo))] for start in starts)]
        if any(left(mask(f"« refused: {cut} » (…)"), cut) for cut in cuts):
            return name
    return None


def main() -> int:
    """Check the passwords that are left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    state = ROOT / "build" / f"passwords-{options.seed}"
    state.parent.mkdir(exist_ok=True)
    done = int(state.read_text("ascii")) if state.exists() else 0
    for number in range(done, options.count):
        name = found(options.seed, number)
        if name:
            print(f"seed {options.seed}, password {number}: a part passes in the echo {name!r}")
            return 1
        if number % 50 == 49 or number + 1 == options.count:
            state.write_text(str(number + 1), "ascii")
    print(f"seed {options.seed}: {options.count} passwords through {len(ECHOES)} echoes, 0 found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
