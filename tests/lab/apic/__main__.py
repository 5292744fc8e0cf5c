"""Run an APIC emulator until it is stopped: ``python tests/lab/apic --port P --state DIR``."""

from __future__ import annotations

import sys
from pathlib import Path

# Started as a folder: replace the folder on the path by the parent of the package ``lab``.
sys.path[0] = str(Path(__file__).resolve().parents[2])

from lab.apic.cli import main  # noqa: E402

main()
