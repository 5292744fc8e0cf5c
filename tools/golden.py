"""Write the plans of the example inventories to tests/golden/<inventory>/<cluster>/, where a test compares them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"


def examples() -> list[Path]:
    """Return the inventories of fabrics: all but ``lab``, which holds the addresses of the lab."""
    return sorted(path for path in (ROOT / "inventories").iterdir() if path.is_dir() and path.name != "lab")


def planning(inventory: Path, folder: Path) -> list[str]:
    """Return the arguments of ``ansible-playbook`` that plan an inventory."""
    return ["-i", str(inventory), str(ROOT / "playbooks/plan.yml"), "-e", f"aci_calico_artifacts_dir={folder}"]


def main() -> int:
    """Write them all anew."""
    shutil.rmtree(GOLDEN, ignore_errors=True)
    program = Path(sys.executable).with_name("ansible-playbook")
    for inventory in examples():
        command = [str(program), *planning(inventory, GOLDEN / inventory.name)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            print(done.stdout + done.stderr, file=sys.stderr)
            return 1
        print(f"Wrote {(GOLDEN / inventory.name).relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
