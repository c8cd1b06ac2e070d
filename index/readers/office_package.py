"""What Office Open XML files have in common (ECMA-376 part 2): relationships between members, and the title."""

from __future__ import annotations

import posixpath
from typing import NamedTuple

from ockit.index.readers.archive import Archive, member_path
from ockit.index.readers.xml_events import xml_events


class Relationship(NamedTuple):
    """A member that another one uses: the last word of the relationship's type, and the member's name."""

    type: str
    target: str


def relationships(archive: Archive, member: str) -> dict[str, Relationship]:
    """What a member points to, by the ids it uses for that. Links to outside are left out."""
    folder, name = posixpath.split(member)
    table = posixpath.join(folder, "_rels", f"{name}.rels")
    if table not in archive:
        return {}
    return {
        event.attributes.get("Id", ""): Relationship(
            event.attributes.get("Type", "").rpartition("/")[2],
            member_path(member, event.attributes.get("Target", "")),
        )
        for event in xml_events(archive.pieces(table))
        if event.what == "start"
        and event.name == "Relationship"
        and event.attributes.get("TargetMode") != "External"
    }


def main_member(archive: Archive, usual: str) -> str:
    """The member that the document begins in.

    Args:
        usual: where it is in nearly every file.
    """
    if usual in archive:
        return usual
    for relationship in relationships(archive, "").values():
        if relationship.type == "officeDocument":
            return relationship.target
    return usual  # which is then missing, and says so


def core_title(archive: Archive) -> str:
    """The title in the document's properties."""
    return element_text(archive, "docProps/core.xml", "title")


def element_text(archive: Archive, member: str, element: str) -> str:
    """The text of the first such element in a member, if both are there."""
    if member not in archive:
        return ""
    pieces: list[str] = []
    inside = False
    for event in xml_events(archive.pieces(member)):
        if event.what == "text":
            if inside:
                pieces.append(event.name)
        elif event.name == element:
            if inside:
                break
            inside = event.what == "start"
    return "".join(pieces).strip()
