"""Ports and processes of the lab's servers."""

from __future__ import annotations

import socket
import subprocess
import sys
import time

from lab.processes import HOST, Process, choose_port


def test_a_usual_port_in_use_gives_way_to_a_free_one():
    with socket.create_server((HOST, 0)) as other:
        taken = other.getsockname()[1]
        assert choose_port(taken, "THE_PORT") not in (0, taken)


def test_a_process_id_that_now_belongs_to_something_else_is_left_alone():
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as stranger:
        stale = Process(stranger.pid, "long ago")
        assert not stale.alive()
        stale.stop()
        time.sleep(0.05)
        assert stranger.poll() is None
        stranger.kill()
