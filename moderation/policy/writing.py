"""A policy as the text of a ``moderation.toml`` that says the same, to begin one's own with. Knows the file's form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict

from ockit.moderation.policy.policy import SECTIONS, BackendSpec, Policy, Section, Shift
from ockit.toml_lines import literal


def as_toml(policy: Policy) -> str:
    """The text; `ockit.moderation.policy.reading.parse_policy` makes the same policy of it, but for its places."""
    return "\n".join(_lines(policy)) + "\n"


def _lines(policy: Policy) -> Iterator[str]:
    yield "# what becomes of a text: allow, note, caution, confirm, support or refuse; levels are 0 to 4"
    for name, role in SECTIONS.items():
        yield from _section(name, policy.section(role))
    for spec in policy.backends:
        yield from _backend(spec)
    if not any(spec.kind == "embedded" for spec in policy.backends):
        yield "\n[backend.embedded]\nenabled = false"
    yield "\n[texts]"
    for name, text in asdict(policy.texts).items():
        yield f"{name} = {literal(text)}"


def _section(name: str, section: Section) -> Iterator[str]:
    yield f"\n[{name}]"
    yield f"levels = {literal(section.levels)}"
    for key in ("injection", "distress", "unsure", "unread", "off_topic", "topics", "fail"):
        yield f"{key} = {literal(getattr(section, key))}"
    yield f"shift = {_inline(_shifts(section.shift))}"
    if section.categories:
        yield f"\n[{name}.categories]"
        for category, row in section.categories.items():
            yield f"{category} = {literal(row)}"


def _shifts(shift: Shift) -> dict[str, object]:
    levels = {f"level{level}": by for level, by in enumerate(shift.levels, 1)}
    return {key: by for key, by in {**levels, **shift.others}.items() if by}


def _backend(spec: BackendSpec) -> Iterator[str]:
    roles = {role: name for name, role in SECTIONS.items()}
    yield f"\n[backend.{literal(spec.name)}]"
    yield f"kind = {literal(spec.kind)}"
    for key in ("enforce", "timeout", "max_level"):
        yield f"{key} = {literal(getattr(spec, key))}"
    yield f"roles = {literal([roles[role] for role in spec.roles])}"
    for key, value in spec.options.items():
        yield f"{key} = {_inline(value) if isinstance(value, Mapping) else literal(value)}"


def _inline(table: Mapping[str, object]) -> str:
    entries = (
        f"{literal(key)} = {_inline(value) if isinstance(value, Mapping) else literal(value)}"
        for key, value in table.items()
    )
    return f"{{ {', '.join(entries)} }}" if table else "{}"
