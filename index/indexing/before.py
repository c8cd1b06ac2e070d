"""What is known of an index before a run, also where its store is damaged and is to be made anew. Writes nothing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ockit.errors import NotFound, StoreError, UsageError
from ockit.index.indexing.plan import IndexPlan
from ockit.index.indexing.report import IndexNotice, OnEvent

if TYPE_CHECKING:
    from ockit.index.places import IndexPlace
    from ockit.index.store.facts import IndexFacts


def facts_before(plan: IndexPlan, place: IndexPlace, tell: OnEvent) -> IndexFacts | None:
    """What is known of the index, or None where it is new. Takes no lock.

    Raises:
        NotFound: there is none, and nothing to make one of.
        StoreError: it is damaged, and nothing says what to make it anew of.
        UsageError: it is no index of files.
    """
    from ockit.index.store.facts import IndexFacts
    from ockit.index.store.index_store import IndexStore

    facts = None
    if plan.rebuild:
        try:
            facts = IndexFacts.from_json(place.facts.read_bytes())  # is there though the store be damaged
        except FileNotFoundError:
            pass  # made by an import, or new
        except (OSError, ValueError) as error:
            tell(IndexNotice(f"what was known of {place.name} cannot be read ({error})"))
    if facts is None and not place.exists:
        if not plan.paths:
            raise NotFound(
                f"there is no index {place.name!r}",
                hint=f"ockit index FOLDER --name {place.name} makes it",
            )
        return None
    if facts is None:
        try:
            with IndexStore.open(place) as store:
                facts = store.facts
        except StoreError as error:
            if not plan.rebuild:
                raise
            if plan.paths:  # nothing of the old one is needed
                return None
            hint = f"name what it is to be of: ockit index FOLDER... --rebuild --name {place.name}"
            raise StoreError(error.what, where=error.where, hint=hint) from error
    if facts.kind != "files":
        raise UsageError(
            f"{place.name} is an index of {facts.kind}, not of folders",
            hint=f"choose another --name; ockit indexes show {place.name} says what it is",
        )
    return facts


def files_of_folders(place: IndexPlace) -> Counter[str]:
    """How many files an index has of each of its folders; none where it is damaged, which is why it is made anew."""
    from ockit.index.store.index_store import IndexStore

    try:
        with IndexStore.open(place) as store:
            roots = store.facts.roots
            return Counter(
                roots[record.root] for record in store.files().values() if record.root < len(roots)
            )
    except StoreError:
        return Counter()
