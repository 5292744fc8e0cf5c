"""Connections to the daemons: a daemon that does not answer, or answers late."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.twin import daemons
from lab.twin.daemons import Birdc, DaemonError, Unanswered, Vty
from lab.twin.machines import BirdNode

Answer = Callable[[bytes], bytes]


@contextmanager
def daemon(path: Path, greeting: bytes, answer: Answer) -> Iterator[None]:
    """Answer on a socket; a command without an answer is left without one."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            while True:
                try:
                    client, _address = server.accept()
                except OSError:
                    return
                with client:
                    client.sendall(greeting)
                    while received := client.recv(1 << 16):
                        client.sendall(answer(received))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_a_change_stops_where_frr_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[bytes] = []

    def answer(command: bytes) -> bytes:
        commands.append(command)
        return {b"slow\0": b"", b"no such\0": b"unknown\0\0\0\2"}.get(command, b"\0\0\0\0")

    with daemon(tmp_path / "vty", b"", answer):
        vty = Vty(tmp_path / "vty")
        assert vty.configure(["no such", "fine"]) == ["no such: unknown"]
        monkeypatch.setattr(daemons, "TIMEOUT", 0.05)
        vty.close()
        vty = Vty(tmp_path / "vty")
        with pytest.raises(Unanswered):
            vty.configure(["slow", "never sent"])
        assert vty.closed
        with pytest.raises(Unanswered):
            vty.ask("on a closed connection")
    assert b"never sent\0" not in commands


def test_a_configuration_that_bird_did_not_take_is_given_to_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.twin.machines.BIRD_DIR", tmp_path)
    monkeypatch.setattr(daemons, "TIMEOUT", 0.05)
    answers = [b"", b"8002 not now\n", b"0003 Reconfigured\n"]
    node = BirdNode("n1", 4)
    with daemon(tmp_path / "n1-4.ctl", b"0001 BIRD ready.\n", lambda _command: answers.pop(0)):
        assert node.reconfigure("a") == ["bird of n1: timed out"]
        assert node.reconfigure("a") == ["bird of n1: not now"]
        assert node.reconfigure("a") == []
        assert node.reconfigure("a") == []
        node.disconnect()


def test_a_daemon_that_is_away_is_told(tmp_path: Path) -> None:
    with pytest.raises(DaemonError, match="No such file"):
        Birdc(tmp_path / "gone")
