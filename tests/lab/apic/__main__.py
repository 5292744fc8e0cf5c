"""``python tests/lab/apic --port P --state DIR``: runs an emulator until it is told to stop."""

from __future__ import annotations

import sys
from pathlib import Path

# Started as a folder, Python puts this folder on the path instead of the one above the package ``lab``.
sys.path[0] = str(Path(__file__).resolve().parents[2])

from lab.apic.cli import main  # noqa: E402

main()
