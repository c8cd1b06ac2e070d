"""A classifier by its name, ready to judge on an encoder that runs. Knows files and the encoder's identity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ockit.environment import Directories
from ockit.moderation.training.classifier import load
from ockit.moderation.training.outdated import OtherEncoder
from ockit.moderation.training.places import existing
from ockit.moderation.training.trained import TrainedModerator

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


class Encoder(Protocol):
    """What makes features: `ockit.moderation.classifier.embedded.EmbeddedModerator` does."""

    @property
    def encoder(self) -> str:
        """The identity of its weights."""

    def features(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Features of shape (n, d). Raises OckitError."""


def open_trained(
    name: str, directories: Directories, encoder: Encoder, *, called: str | None = None
) -> TrainedModerator:
    """The classifier `name` as a moderator.

    Args:
        called: what the policy calls it; else its own name.

    Raises:
        NotFound: there is none of that name.
        UsageError: the name is none.
        OtherEncoder: it was trained on features of another encoder.
        ModelFileError: its file is damaged.
    """
    path = existing(directories, name)
    classifier = load(path)
    if classifier.encoder != encoder.encoder:
        raise OtherEncoder(
            f"the classifier {name!r} was trained on another encoder's features ({classifier.encoder[:12]}, "
            f"now {encoder.encoder[:12]})",
            where=str(path),
            hint=f"train it again: ockit moderation train data.jsonl --name {name}",
        )
    return TrainedModerator(classifier, encoder.features, called)
