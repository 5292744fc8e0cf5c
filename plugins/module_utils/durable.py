# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write a file so that it is whole at any time, also after a loss of power."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress


def stage(path: str, content: bytes, durable: bool, set_mode: Callable[[int], None]) -> str:
    """Write the new content of a file beside it, and return the path. The caller replaces the file.

    :param durable: whether the content must survive a loss of power.
    :param set_mode: sets owner and mode of the open file.
    """
    folder = os.path.dirname(os.path.abspath(path))
    handle, staged = tempfile.mkstemp(dir=folder, prefix=f".{os.path.basename(path)}.", suffix=".new")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            set_mode(file.fileno())
            if durable:
                os.fsync(file.fileno())
    except BaseException:
        os.unlink(staged)
        raise
    return staged


def replace(path: str, content: bytes, mode: int) -> None:
    """Replace the content of a file, or make the file and its folder.

    :raises OSError: nothing was changed.
    """
    folder = os.path.dirname(os.path.abspath(path))
    changed = [folder]  # with the folders that get a new one
    while not os.path.isdir(changed[-1]):
        changed.append(os.path.dirname(changed[-1]))
    os.makedirs(folder, exist_ok=True)
    staged = stage(path, content, True, lambda handle: os.fchmod(handle, mode))
    try:
        os.replace(staged, path)
    except BaseException:
        os.unlink(staged)
        raise
    for one in changed:
        sync_folder(one)


def sync_folder(folder: str) -> None:
    """Make the new names in a folder durable, where its file system and its permissions allow it."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
