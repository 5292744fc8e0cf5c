# Copyright: Contributors to the netops.aci_calico project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read and write the files of a cluster: the allocation file and the artifacts.

Changes are made all or none. Files and links that others put into the folder of the artifacts are left alone.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from ..module_utils.durable import stage, sync_folder
from .schema.problems import Problem

# The list of what the plan has written, in the cluster's folder of artifacts.
LISTED = ".files"
# The folder of the nodes' network configurations, and the list of problems that were too many to show.
NODES, PROBLEMS = "nodes", "problems.txt"


@dataclass(frozen=True)
class Change:
    """The change of a file. None stands for a file that does not exist.

    :ivar path: the file as the user knows it.
    :ivar target: the file itself, if ``path`` is a link to it.
    :ivar durable: whether the file must survive a loss of power.
    """

    path: str
    before: bytes | None
    after: bytes | None
    target: str = ""
    durable: bool = False

    @property
    def file(self) -> str:
        """The file to replace or remove."""
        return self.target or self.path

    def diff(self) -> dict[str, str]:
        """Return the change as Ansible shows it."""
        before, after = (b"" if content is None else content for content in (self.before, self.after))
        shown = f"{self.path}\n" if self.after is None else before.decode(errors="replace")
        return {"before": shown, "after": after.decode(errors="replace"), "before_header": self.path, "after_header": self.path}


class ChangedError(OSError):
    """Another run has changed a file since this one read it."""


class UnwritableError(Exception):
    """A file cannot be written, and nothing was changed."""

    def __init__(self, path: str, reason: OSError) -> None:
        super().__init__(path)
        remedy = "Run it again." if isinstance(reason, ChangedError) else ""
        self.problem = Problem("file-unwritable", path, f"It cannot be written: {said(reason)}. Nothing was changed", remedy)


def said(reason: OSError) -> str:
    """Return an error of the operating system in words."""
    return f"{reason.strerror or reason} ({reason.filename})" if reason.filename else str(reason.strerror or reason)


def read_file(path: str, largest: int | None = None) -> bytes | None:
    """Return the content of a file; None if there is none.

    :param largest: read at most one byte more than these.
    :raises OSError: the file cannot be read, or is a folder or a device.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is a folder" if stat.S_ISDIR(mode) else "it is not a regular file")
    with open(path, "rb") as file:
        return file.read(-1 if largest is None else largest + 1)


# --- writing ---------------------------------------------------------------------------------------------------------


def apply_changes(changes: Sequence[Change]) -> None:
    """Make all changes in their order, or none.

    :raises UnwritableError: a file cannot be written or removed.
    """
    staged: dict[str, str] = {}
    made: list[str] = []
    done: list[Change] = []
    change = None
    try:
        for change in changes:
            if change.after is not None:
                staged[change.file] = _stage(change.file, change.after, change.durable, made)
        for change in changes:
            if change.durable and read_file(change.file) not in (change.before, change.after):
                raise ChangedError(errno.EAGAIN, "another run has changed it meanwhile")
            if change.after is None:
                with suppress(FileNotFoundError):
                    os.unlink(change.file)
            else:
                os.replace(staged[change.file], change.file)
                del staged[change.file]
            done.append(change)
    except BaseException as reason:
        _undo(staged.values(), done, made)
        if isinstance(reason, OSError) and change:
            raise UnwritableError(change.path, reason) from reason
        raise
    changed = {os.path.dirname(os.path.abspath(change.file)) for change in changes if change.durable}
    for folder in changed | ({os.path.dirname(folder) for folder in made} if changed else set()):
        sync_folder(folder)


def _stage(path: str, content: bytes, durable: bool, made: list[str]) -> str:
    """Write the new content beside the file, with the mode of the old one, and return the path."""
    folder = os.path.dirname(os.path.abspath(path))
    _make_folder(folder, made)
    return stage(path, content, durable, partial(_keep_mode, path))


def _make_folder(folder: str, made: list[str]) -> None:
    if not os.path.isdir(folder):
        _make_folder(os.path.dirname(folder), made)
        os.mkdir(folder)
        made.append(folder)


def _keep_mode(path: str, handle: int) -> None:
    try:
        old = os.stat(path)
    except FileNotFoundError:
        os.fchmod(handle, 0o644)
        return
    with suppress(OSError):  # only root can give a file to its old owner
        os.fchown(handle, old.st_uid, old.st_gid)
    os.fchmod(handle, stat.S_IMODE(old.st_mode))


def _undo(staged: Iterable[str], done: Sequence[Change], made: Sequence[str]) -> None:
    for path in staged:
        with suppress(OSError):
            os.unlink(path)
    for change in reversed(done):
        with suppress(OSError):
            if change.before is None:
                os.unlink(change.file)
            else:
                os.replace(_stage(change.file, change.before, change.durable, []), change.file)
    for folder in reversed(made):
        with suppress(OSError):
            os.rmdir(folder)


# --- the artifacts ---------------------------------------------------------------------------------------------------


class Artifacts:
    """The artifacts of a cluster: a folder, in which users may keep files of their own.

    :ivar problems: why files cannot be written. Links are never followed below ``aci_calico_artifacts_dir``.
    """

    def __init__(self, root: str, cluster: str) -> None:
        self.root = root
        self.folder = os.path.join(root, cluster)
        self.problems: list[Problem] = []

    def path(self, name: str) -> str:
        """Return the path of an artifact, whose name has ``/`` between its parts."""
        return os.path.join(self.folder, *name.split("/"))

    def write(self, files: Mapping[str, str | bytes]) -> list[Change]:
        """Return the changes that write these files, ``{name: content}``."""
        contents = {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}
        return [change for name, content in contents.items() for change in self._change(name, content)]

    def replace(self, files: Mapping[str, str]) -> list[Change]:
        """Return the changes that write these files, and remove what the plan wrote before and does not write now."""
        gone = [name for name in self.listed() if name not in files]
        removed = [change for name in gone for change in self._change(name, None)]
        return [*removed, *self.write({LISTED: "".join(f"{name}\n" for name in sorted(files)), **files})]

    def add(self, files: Mapping[str, str]) -> list[Change]:
        """Return the changes that write these files as well, which the next plan removes."""
        listed = sorted({*self.listed(), *files})
        return self.write({LISTED: "".join(f"{name}\n" for name in listed), **files})

    def remove_empty_folders(self, changes: Iterable[Change]) -> None:
        """Remove the folders of nodes that lost their last file."""
        for change in changes:
            folder = os.path.dirname(change.path)
            while change.after is None and len(folder) > len(self.folder):
                with suppress(OSError):
                    os.rmdir(folder)
                folder = os.path.dirname(folder)

    def listed(self) -> Iterator[str]:
        """Yield the names of what the plan wrote and may remove. A damaged list names nothing else."""
        with suppress(OSError):
            text = "" if os.path.islink(self.path(LISTED)) else (read_file(self.path(LISTED)) or b"").decode(errors="replace")
            for name in text.splitlines():
                if name == PROBLEMS or (name.startswith(f"{NODES}/") and posixpath.normpath(name) == name and "\0" not in name):
                    yield name

    def _change(self, name: str, after: bytes | None) -> Iterator[Change]:
        """Yield the change of a file, unless its content is the wanted one or it is not to be touched."""
        path = self.path(name)
        problem = self.in_the_way(path)
        if problem:
            self.problems += [] if problem in self.problems else [problem]
            return
        try:
            before = read_file(path)
        except OSError as reason:
            self.problems.append(UnwritableError(path, reason).problem)
            return
        if before != after:
            yield Change(path, before, after, durable=not name.startswith(f"{NODES}/"))

    def in_the_way(self, path: str) -> Problem | None:
        """Return a problem with a link on the way to a file, or with a file where a folder belongs."""
        part = self.root
        for name in os.path.relpath(path, self.root).split(os.sep):
            part = os.path.join(part, name)
            if os.path.islink(part):
                return Problem("artifact-link", part, f"It is a link to {os.readlink(part)}, and is not followed")
            if part != path and os.path.exists(part) and not os.path.isdir(part):
                return Problem("file-unwritable", part, "It is a file, and a folder is needed in its place. Nothing was changed")
        return None
