"""Write the plans of the example inventories to tests/golden/<inventory>/<cluster>/, where a test compares them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"


def examples() -> list[Path]:
    """The inventories that stand for a fabric; ``lab`` only says where the lab is."""
    return sorted(path for path in (ROOT / "inventories").iterdir() if path.is_dir() and path.name != "lab")


def write_plan(inventory: Path, folder: Path) -> None:
    """Run the playbook ``plan`` over an inventory.

    :raises subprocess.CalledProcessError: with what the playbook said in ``output``, when it failed.
    """
    command = [
        str(Path(sys.executable).with_name("ansible-playbook")),
        "-i",
        str(inventory),
        str(ROOT / "playbooks" / "plan.yml"),
    ]
    command += ["-e", f"aci_calico_artifacts_dir={folder}"]
    subprocess.run(
        command,
        cwd=ROOT,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def main() -> int:
    """Write them all anew."""
    shutil.rmtree(GOLDEN, ignore_errors=True)
    for inventory in examples():
        try:
            write_plan(inventory, GOLDEN / inventory.name)
        except subprocess.CalledProcessError as error:
            print(error.output, file=sys.stderr)
            return 1
        print(f"Wrote {(GOLDEN / inventory.name).relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
