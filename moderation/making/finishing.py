"""From what was trained to what is shipped: the files, the cut-points by the program's own scores, and the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grams
from altering import plain
from calibrating import cuts, temperatures
from labels import targets
from measuring import Figure, Judged, is_request, others, requests, short_questions, surface, unseen
from public import foreign_rows
from report import Report
from rows import DEVELOP, HOLDOUT_SHORT, TEST, TRAIN, Row, holdout_rows
from running import Running
from trained import Trained

from ockit.formats.low_rank import write_changes
from ockit.moderation.classifier.weights import LEVELS, OUTPUTS, write_heads
from ockit.moderation.classifier.words import installed_words
from ockit.moderation.normalizing import normalized

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHIPPED = Path(__file__).parents[1] / "classifier" / "shipped"
_CENTROIDS = 32
_UNSURE = 0.005
"""Share of development rows that would be called unsure."""


def finish(
    rows: Sequence[Row],
    split: Sequence[str],
    more: Mapping[str, Sequence[Row]],
    trained: Trained,
    data: Path,
    *,
    holdout: bool,
) -> Report:
    """Write the shipped files and measure them.

    Args:
        rows, split: all rows and the part of each.
        more: rows besides of the parts ``develop`` and ``test``.
        trained: the encoder's changes and the heads.
        data: the folder of the data sets.
        holdout: whether to look at the hold-out, too.
    """
    import numpy as np

    digest = write_changes(SHIPPED / "encoder.safetensors", trained.changes, trained.note)
    heads: dict[str, Any] = {
        "encoder": digest,
        "vector": trained.weight,
        "bias": trained.bias,
        "cuts": dict.fromkeys(OUTPUTS, 0.5),
        "note": trained.note,
    }
    write_heads(SHIPPED / "heads.safetensors", **heads)
    training, choosing = _of(rows, split, TRAIN), _of(rows, split, DEVELOP)
    own = [row for row in choosing if row.source.startswith("contrast/")]
    with Running() as running:
        vectors = running.vectors([row.text for row in choosing])
        logits = vectors @ trained.weight.T + trained.bias
        learned = [row for row in training if row.source.startswith("contrast/")]  # the others' words mislead
        texts = [normalized(row.text, installed_words).text for row in (*learned, *choosing)]
        features = grams.matrix(texts)
        counted = grams.fitted(features[: len(learned)], targets(learned))
        added = np.asarray(features[len(learned) :] @ counted)
        mine = np.array([row.source.startswith("contrast/") for row in choosing])
        share = grams.measure(logits[mine], added[mine], targets(own))
        factors = temperatures(logits[mine] + share * added[mine], targets(own))
        heads |= {"vector": trained.weight * factors[:, None], "bias": trained.bias * factors}
        if share:
            steps, scales = grams.packed(counted * share * factors)
            heads |= {"hashed": steps, "hashed_scales": scales}
        heads["centroids"], heads["nearness"] = _surroundings(running, training, vectors)
        write_heads(SHIPPED / "heads.safetensors", **heads)
        running.again()
        chosen = [*choosing, *more[DEVELOP]]
        scored = running.judged(chosen, [plain(row.text) if is_request(row) else row.text for row in chosen])
        spoken = _distress(running, heads, chosen)
        scored.probabilities[:, OUTPUTS.index("distress")] = spoken
        heads["cuts"] = cuts(chosen, scored.probabilities)
        write_heads(SHIPPED / "heads.safetensors", **heads)
        running.again()
        return _measured(running, heads, rows, split, more[TEST], data, holdout)


def _measured(
    running: Running,
    heads: dict[str, Any],
    rows: Sequence[Row],
    split: Sequence[str],
    more: Sequence[Row],
    data: Path,
    holdout: bool,
) -> Report:
    import numpy as np

    test_rows = _of(rows, split, TEST)
    asked = [row for row in (*test_rows, *more) if is_request(row)]
    held = [*test_rows, *(row for row in more if not is_request(row))]
    bare = running.judged(asked, [plain(row.text) for row in asked])
    as_written = running.judged(held)
    as_written.probabilities[:, OUTPUTS.index("distress")] = _distress(running, heads, held)
    known = [row for row in rows if is_request(row)]
    learn = np.array([part == TRAIN for row, part in zip(rows, split, strict=True) if is_request(row)])
    test = np.array([part == TEST for row, part in zip(rows, split, strict=True) if is_request(row)])
    report = Report(heads["cuts"])
    report.add("Held-out requests, in lower case and without punctuation", requests(bare))
    report.add(
        "A judge of surface alone on the same rows",
        [surface(known, [plain(row.text) for row in known], learn, test)],
    )
    report.add("The same requests as they were written", requests(as_written))
    report.add("", [surface(known, [row.text for row in known], learn, test)])
    report.add("Held-out rows of other kinds", others(as_written, heads["cuts"]))
    foreign = running.judged(foreign_rows(data))
    report.add("Other languages, which it has not learned", _foreign(foreign))
    report.misses(as_written)
    if holdout:
        seen = running.judged(holdout_rows())
        report.add("A hold-out written apart, never trained on or chosen by", unseen(seen))
        report.misses(seen)
        short = running.judged(holdout_rows(HOLDOUT_SHORT))
        report.add("Short questions, written apart, never trained on", short_questions(short))
        report.misses(short)
    report.show()
    return report


def _foreign(judged: Judged) -> list[Figure]:
    found = []
    for source in ("catqa_chinese", "catqa_vietnamese", "frr_translated"):
        chosen = judged.where(lambda row, source=source: row.source == source)
        levels = judged.levels[chosen]
        found.append(Figure(f"{source} refused", len(levels), float((levels == len(LEVELS)).mean())))
    return found


def _of(rows: Sequence[Row], split: Sequence[str], wanted: str) -> list[Row]:
    return [row for row, part in zip(rows, split, strict=True) if part == wanted]


def _distress(running: Running, heads: dict[str, Any], rows: Sequence[Row]) -> NDArray[Any]:
    """The probability of distress, which a verdict does not carry, of the rows written for this project; else 0."""
    import numpy as np

    number = OUTPUTS.index("distress")
    own = [at for at, row in enumerate(rows) if row.source.startswith("contrast/")]
    texts = [rows[at].text for at in own]
    logits = running.vectors(texts) @ heads["vector"][number] + heads["bias"][number]
    if "hashed" in heads:
        features = grams.matrix([normalized(text, installed_words).text for text in texts])
        logits = logits + np.asarray(features @ heads["hashed"][:, number]) * heads["hashed_scales"][number]
    found = np.zeros(len(rows))
    found[own] = 1 / (1 + np.exp(-logits))
    return found


def _surroundings(
    running: Running, training: Sequence[Row], choosing: NDArray[Any]
) -> tuple[NDArray[Any], float]:
    """Centres of what was learned from, and the cosine below which a text lies far from all of them."""
    import numpy as np
    from sklearn.cluster import KMeans

    vectors = running.vectors([row.text for row in training[::8]])
    centres = KMeans(_CENTROIDS, n_init=2, random_state=5).fit(vectors).cluster_centers_
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    return centres.astype(np.float32), float(np.quantile((choosing @ centres.T).max(1), _UNSURE))
