"""Texts in the encodings that people's older files have, which nothing in the file names."""

from __future__ import annotations

import random

import pytest

from ockit.index.readers.decoding import decode, looks_like_text
from ockit.index.readers.guessing import guessed
from ockit.index.readers.registry import document_of

RUSSIAN = "Река Волга протекает через европейскую часть России и впадает в Каспийское море. На берегах стоят города.\n"
GREEK = "Ο ποταμός Αχελώος είναι ο δεύτερος μεγαλύτερος ποταμός της Ελλάδας και εκβάλλει στο Ιόνιο πέλαγος.\n"
JAPANESE = "信濃川は、新潟県および長野県を流れる一級河川です。日本で一番長い川であり、カタカナも使います。\n"
CHINESE = "长江是亚洲第一长河和世界第三长河，发源于青海省唐古拉山脉的各拉丹冬峰，最后注入东海。\n"
TAIWANESE = "長江是亞洲第一長河和世界第三長河，發源於青海省唐古拉山脈的各拉丹冬峰，最後注入東海。\n"
KOREAN = "한강은 대한민국의 중부를 흐르는 강으로, 서울을 지나 서해로 흘러 들어간다. 많은 다리가 놓여 있다.\n"
CZECH = "Řeka Vltava je nejdelší řeka na území České republiky. Žluťoučký kůň úpěl ďábelské ódy.\n"
POLISH = "Wisła jest najdłuższą rzeką Polski. Źródła znajdują się na zachodnim stoku. Zażółć gęślą jaźń.\n"
HUNGARIAN = "Árvíztűrő tükörfúrógép: a Tisza hosszú folyó, és később a Dunába ömlik.\n"
TURKISH = "Kızılırmak, Türkiye'nin en uzun akarsuyudur; Sivas'ın doğusundan doğar, şehirler, çağlayan.\n"
GERMAN = "Der Rhein fließt durch die Schweiz. „Größe“ – 1233 km für Überschwemmungen.\n"
FRENCH = "La Seine est un fleuve français. L’été, les crues sont rares ; œuvre d’un génie, élevé là où naît l'eau.\n"
SPANISH = "El Ebro es un río de España, el más caudaloso; ¿qué más? Mañana será otro día.\n"
DANISH = "Århus ligger på Jyllands østkyst, og Ærø er en ø i Østersøen.\n"
HEBREW = "הירדן הוא נהר במזרח התיכון. הוא מתחיל למרגלות החרמון וזורם אל ים המלח דרך הכנרת.\n"
ARABIC = "نهر النيل هو أطول أنهار الكرة الأرضية، يقع في الجزء الشمالي الشرقي من قارة أفريقيا.\n"

TEXTS = [
    (RUSSIAN, "cp1251", "windows-1251"), (RUSSIAN, "koi8-r", "KOI8-R"), (RUSSIAN, "cp866", "code page 866"),
    (RUSSIAN, "iso8859-5", "ISO-8859-5"), (GREEK, "cp1253", "windows-1253"), (GREEK, "iso8859-7", "windows-1253"),
    (JAPANESE, "shift_jis", "Shift JIS"), (JAPANESE, "euc-jp", "EUC-JP"), (CHINESE, "gbk", "GB18030"),
    (CHINESE, "gb18030", "GB18030"), (TAIWANESE, "big5", "BIG5"), (KOREAN, "euc-kr", "EUC-KR (UHC)"),
    (CZECH, "iso8859-2", "ISO-8859-2"), (CZECH, "cp1250", "windows-1250"), (POLISH, "iso8859-2", "ISO-8859-2"),
    (POLISH, "cp1250", "windows-1250"), (HUNGARIAN, "iso8859-2", None), (TURKISH, "cp1254", "windows-1254"),
    (GERMAN, "cp1252", "windows-1252"), (FRENCH, "cp1252", "windows-1252"), (SPANISH, "cp1252", "windows-1252"),
    (DANISH, "cp1252", "windows-1252"), (DANISH, "cp850", "code page 850"),
    (HEBREW, "cp1255", "windows-1255"), (ARABIC, "cp1256", "windows-1256"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "encoding", "name"), TEXTS, ids=[f"{one[1]}-{one[0][:5]}" for one in TEXTS])
@pytest.mark.parametrize("times", [1, 400])
def test_a_text_that_names_no_encoding(text: str, encoding: str, name: str | None, times: int) -> None:
    document = document_of((text * times).encode(encoding), "notes.txt")
    assert document.text == text * times
    (notice,) = document.notices
    assert notice.startswith("it is no UTF-8 and was read as ")
    assert name is None or notice.endswith(name)


@pytest.mark.parametrize(
    ("comment", "encoding"),
    [
        ("Настройки программы и список файлов", "cp1251"),
        ("Настройки программы и список файлов", "koi8-r"),
        ("設定ファイルを読み込みます", "shift_jis"),
        ("计算文件的长度并返回结果", "gbk"),
        ("설정 파일을 읽어 들인다", "euc-kr"),
        ("größer als die Länge", "cp1252"),
        ("nejdelší řádek souboru, žádný jiný", "cp1250"),
    ],
)
def test_comments_far_down_in_a_program(comment: str, encoding: str) -> None:
    text = (
        "int x = 3; // plain\n" * 5000 + f"int main() {{ return 0; }} // {comment}\n" * 3 + "y = 4;\n" * 5000
    )
    assert decode(text.encode(encoding)).text == text


@pytest.mark.parametrize(
    "text",
    [
        "élève",
        "café noir",
        "5 °C ± 2 µm",
        "© 2020 Müller GmbH",
        "naïve — “quoted”…",
        "\xa0\xa0a\xa0b",
        "é",
        "GRÖSSE ÜBER ÄRA",
    ],
)
def test_a_few_letters_are_windows_1252(text: str) -> None:
    assert decode(text.encode("cp1252")).text == text + "\n"


def test_what_the_guess_does_not_hold_for_is_windows_1252() -> None:
    mixed = JAPANESE.encode("shift_jis") * 200 + b"\n" * (2 << 20) + bytes(range(0x80, 0x100)) * 400
    decoded = decode(mixed)
    assert decoded.notices == ("it is no UTF-8 and was read as windows-1252",)


@pytest.mark.parametrize(
    "data", [b"\x80", b"\xff" * 100_000, bytes(range(1, 256)) * 5000, b"a" * (8 << 20) + b"\xe9"]
)
def test_any_bytes_are_guessed_quickly(data: bytes) -> None:
    data.decode(guessed(data), "replace")
    assert decode(data).text.endswith("\n")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", [JAPANESE, CHINESE, KOREAN, TAIWANESE, "一二三 一\n" * 9])
def test_wide_text_without_a_mark(text: str, encoding: str) -> None:
    data = text.encode(encoding)
    assert looks_like_text(data)
    assert decode(data).text == text


def test_chance_is_no_wide_text() -> None:
    chance = random.Random(5)
    for size in (64, 200, 4096, 8192):
        for _ in range(50):
            assert not looks_like_text(bytes([0, *chance.randbytes(size - 1)]))
