"""Distinguished names of APIC's objects."""

from __future__ import annotations


def split_dn(dn: str) -> list[str]:
    """Return the relative names in a name; slashes within brackets do not separate them."""
    parts, part = [], ""
    for piece in dn.split("/"):
        part = f"{part}/{piece}" if part else piece
        if part and part.count("[") == part.count("]"):
            parts.append(part)
            part = ""
    return [*parts, part] if part else parts


def parent_dn(dn: str) -> str:
    """Return the name of the object that contains this one; empty at the top."""
    return "/".join(split_dn(dn)[:-1])
