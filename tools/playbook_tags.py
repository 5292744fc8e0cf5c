"""The tags of playbooks."""

from __future__ import annotations

from typing import Any


def tags_of(item: Any) -> set[str]:
    """Return the tags in plays or tasks, at any depth."""
    if isinstance(item, list):
        return {tag for part in item for tag in tags_of(part)}
    if not isinstance(item, dict):
        return set()
    own = item.get("tags", [])
    own = {own} if isinstance(own, str) else set(own)
    return own.union(*(tags_of(value) for value in item.values()))
