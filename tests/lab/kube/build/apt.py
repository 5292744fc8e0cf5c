"""Debian packages, downloaded and verified by apt with a private configuration: no root, nothing installed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .progress import BuildError, run

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
RELEASES = ("stable", "oldstable", "oldoldstable", "testing", "unstable", "sid")

CONFIGURATION = """\
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "{folder}/sources";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State::lists "{folder}/lists";
Dir::Cache "{folder}/cache";
APT::Sandbox::User "";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "3";
// The system's hooks clean the system's folders, which this configuration does not use.
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""

SOURCE = """\
Types: {types}
URIs: {mirror}
Suites: {suite}
Components: main
Targets: Packages Sources
Signed-By: {keyring}

"""


def system_mirror() -> str:
    """Return the Debian mirror of this machine's own apt.

    Raises ``BuildError`` on a machine whose apt has no Debian suite.
    """
    release = _os_release()
    columns = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    targets = run(
        ["apt-get", "indextargets", "--format", columns, "Created-By: Packages"], why="the sources of apt cannot be listed"
    )
    if release.get("ID") == "debian":
        for line in targets.splitlines():
            uri, suite, component = line.rsplit(maxsplit=2)
            if component == "main" and suite in (release.get("VERSION_CODENAME"), *RELEASES):
                return uri
    raise BuildError(
        f"this machine runs {release.get('PRETTY_NAME', 'an unknown system')}, and its apt has no Debian suite "
        "to take the mirror from. Set a mirror with --mirror."
    )


def _os_release() -> dict[str, str]:
    pairs = (line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    return {name: value.strip('"') for name, value in pairs}


@dataclass(frozen=True)
class PrivateApt:
    """apt with its own sources, lists and cache in ``folder``."""

    folder: Path
    mirror: str

    def update(self, suites: dict[str, str]) -> None:
        """Download the package lists. ``suites`` maps a suite to its types of packages (``deb``, ``deb-src``)."""
        if not KEYRING.exists():
            raise BuildError(f"{KEYRING} is missing: install the package debian-archive-keyring")
        for name in ("sources", "lists/partial", "cache/archives/partial"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        sources = (
            SOURCE.format(types=types, mirror=self.mirror, suite=suite, keyring=KEYRING) for suite, types in suites.items()
        )
        (self.folder / "sources" / "debian.sources").write_text("".join(sources))
        (self.folder / "apt.conf").write_text(CONFIGURATION.format(folder=self.folder))
        run(
            self._command("update"),
            why="the package lists could not be downloaded. Check the network, and that the mirror still has "
            f"{', '.join(suites)}.",
        )

    def download(self, into: Path, binaries: list[str], source: str = "") -> None:
        """Download binary packages and an optional source package, each ``name/suite``, into ``into``."""
        into.mkdir(parents=True)
        run(self._command("download", *binaries), cwd=into, why="a package could not be downloaded")
        if source:
            command = self._command("source", "--download-only", source)
            run(command, cwd=into, why="the source package could not be downloaded")

    def _command(self, *words: str) -> list[str]:
        return ["apt-get", "-q", "-c", str(self.folder / "apt.conf"), *words]
