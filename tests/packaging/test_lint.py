"""Linters over the sources, with the settings of the checkout."""

from __future__ import annotations

import sys


def test_ruff_check(run):
    run("ruff", "check", ".")


def test_ruff_format(run):
    run("ruff", "format", "--check", ".")


def test_types(run):
    run("mypy")


def test_imports(run, root):
    run("lint-imports", "--no-cache", env={"PYTHONPATH": str(root / "collections")})


def test_generated_files(run):
    run(sys.executable, "tools/generate.py", "--check")


def test_yamllint(run):
    run("yamllint", "--strict", ".")


def test_ansible_lint(run):
    run("ansible-lint", "--offline", "--profile", "production", "--strict")


def test_changelog(run):
    run("antsibull-changelog", "lint")


def test_collection_docs(run, root, collection_copy):
    # The tool copies the files of our dependencies that git knows: none, if git takes .venv for a part of this checkout.
    env = {"GIT_CEILING_DIRECTORIES": str(root)}
    run("antsibull-docs", "lint-collection-docs", "--plugin-docs", "--skip-rstcheck", ".", cwd=collection_copy, env=env)
