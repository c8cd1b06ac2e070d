"""Harmless texts that are no questions: letters, noise, code, logs, long prose, other scripts, lines spelled apart or
in base64. Made by rule and seed, because nobody writes them; they lie far from all else, and would score at random.
"""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Iterator, Sequence
from pathlib import Path

from rows import Row

_ROWS = "asdf qwer zxcv jkl uiop hjkl tyui bnm dfgh wert sdfg poiu lkj mnb cvbn".split()
_SCRIPTS = """
今天天气怎么样？|请给我推荐一本好书。|我想学做饺子，怎么开始？|明天的会议几点开始？|谢谢你的帮助，再见！
今日の天気はどうですか？|おすすめの本を教えてください。|駅までの行き方を教えて。|猫の名前を考えてください。
오늘 저녁은 뭐 먹을까요?|한국어로 자기소개를 써 줘.|기차 시간표를 알려 주세요.
Какая завтра погода?|Посоветуй хорошую книгу.|Как сварить борщ?|Спасибо за помощь, до свидания!
ما هو الطقس اليوم؟|اقترح لي كتابا جيدا.|كيف أتعلم الطبخ؟|شكرا جزيلا على المساعدة
मुझे एक अच्छी किताब बताओ।|आज मौसम कैसा है?|चाय कैसे बनाते हैं?
Τι καιρό θα κάνει αύριο;|Πρότεινε μου ένα καλό βιβλίο.|איך מכינים חומוס?|מה השעה עכשיו?
พรุ่งนี้อากาศเป็นอย่างไร|แนะนำหนังสือดีๆ หน่อย|Thời tiết hôm nay thế nào?|Cho tôi công thức nấu phở.
Wie wird das Wetter morgen?|Empfiehl mir ein gutes Buch.|Quel temps fait-il demain ?|¿Qué tiempo hará mañana?
Come si prepara il risotto?|Que horas são em Lisboa?|Hoe laat vertrekt de trein?|Jak upiec chleb na zakwasie?
""".replace("\n", "|").split("|")
_DULL = """
We went home.|The bus was late.|She made tea.|It rained in the afternoon.|He read the paper.|The shop was closed.
They talked about the garden.|The children did their homework.|Nothing much happened.|The dog slept by the door.
I washed the dishes.|We watched a film.|The meeting ended at five.|He fixed the bicycle.|The soup was good.
""".replace("\n", "|").split("|")


def odd_rows(data: Path, rows: Sequence[Row]) -> list[Row]:
    """Some nine hundred rows of level 0.

    Args:
        data: the folder of the data sets.
        rows: of which harmless ones are spelled apart, wrapped and joined.
    """
    chance = random.Random(11)
    calm = [
        row.text
        for row in rows
        if row.kind == "casual" and row.level == 0 and row.source == "contrast/everyday"
    ]
    texts = [*_noise(chance), *filter(None, _SCRIPTS), *_wrapped(chance, calm), *_long(chance, calm)]
    texts += _code(chance, data)
    found = {text: Row(text, "odd", f"odd {text}", "odd", 0, 0, (), False, False) for text in texts}
    prose = {
        text: Row(text, "odd", f"odd {text}", "odd", 0, 1, None, False, False)
        for text in _prose(chance, data)
    }
    return [*found.values(), *prose.values()]


def _noise(chance: random.Random) -> Iterator[str]:
    alphabet = string.ascii_uppercase
    for number in range(40):
        start = chance.randrange(20)
        letters = alphabet[start : start + chance.randrange(1, 12)]
        yield (" ", "", ", ", "-")[number % 4].join(letters if number % 3 else letters.lower())
    for _ in range(60):
        yield " ".join(chance.choices(_ROWS, k=chance.randrange(1, 14)))
    for _ in range(40):
        yield "".join(chance.choices(string.ascii_lowercase, k=chance.randrange(3, 30)))
    for _ in range(40):
        yield " ".join(
            str(chance.randrange(10 ** chance.randrange(1, 8))) for _ in range(chance.randrange(1, 15))
        )
    for _ in range(20):
        yield chance.randbytes(chance.randrange(4, 32)).hex()
    for _ in range(30):
        yield (
            "data:image/png;base64," + base64.b64encode(chance.randbytes(chance.randrange(30, 200))).decode()
        )
    for _ in range(20):
        yield base64.b64encode(chance.randbytes(chance.randrange(12, 90))).decode()
    for _ in range(20):
        yield "".join(chance.choices("!?.,;:()[]{}*&^%$#@~-_=+ ", k=chance.randrange(1, 20)))
    kinds, parts = ("INFO", "DEBUG", "WARN", "ERROR"), ("cache", "db", "http", "auth", "worker", "disk")
    for _ in range(60):
        day = (
            f"2024-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02} {chance.randrange(24):02}:04:11"
        )
        said = chance.choice(
            ("connection closed", "retrying in 5 s", "job finished", "killed by signal 9", "timeout")
        )
        yield f"{day} {chance.choice(kinds)} {chance.choice(parts)}[{chance.randrange(9999)}]: {said}"


def _wrapped(chance: random.Random, calm: Sequence[str]) -> Iterator[str]:
    for text in chance.sample(calm, 90):
        yield " ".join(text)
    for text in chance.sample(calm, 40):
        yield chance.choice(".-_*").join(text.replace(" ", ""))
    for text in chance.sample(calm, 90):
        yield base64.b64encode(text.encode()).decode()


def _long(chance: random.Random, calm: Sequence[str]) -> Iterator[str]:
    dull = [text for text in _DULL if text]
    for _ in range(60):
        yield " ".join(chance.choices(calm, k=chance.randrange(3, 10)))[:560]
    for _ in range(50):
        chosen = chance.sample(dull, chance.randrange(1, 6))
        yield " ".join(chosen * chance.randrange(2, 14))[:560]


def _code(chance: random.Random, data: Path) -> Iterator[str]:
    path = data / "retrieval/code/documents.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines():
        text = json.loads(line)["content"]
        for _ in range(4):
            start = chance.randrange(max(1, len(text) - 400))
            yield text[start : start + chance.randrange(60, 500)].strip() or "pass"
    for _ in range(15):
        name = chance.choice(("total", "rows", "item", "count", "name"))
        yield f"for {name} in range({chance.randrange(99)}):\n    print({name})\n" * chance.randrange(1, 12)


def _prose(chance: random.Random, data: Path) -> Iterator[str]:
    for path in sorted((data / "retrieval/passages/corpora").glob("*.md")):
        text = path.read_text(encoding="utf-8", errors="replace")
        for _ in range(30):
            start = chance.randrange(max(1, len(text) - 600))
            yield " ".join(text[start : start + chance.randrange(250, 560)].split())
