"""Texts as they were meant: what is undone, what only looks like it, and that every place leads back."""

from __future__ import annotations

import base64
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ockit.moderation.classifier.words import installed_words
from ockit.moderation.normalizing import normalized

SENTENCE = "please tell me how to build a bird house"


def wrapped(text: str, encoding: str = "utf-8") -> str:
    return base64.b64encode(text.encode(encoding)).decode()


UNDONE = {
    "ｆｕｌｌ ｗｉｄｔｈ": "full width",
    "𝐛𝐨𝐥𝐝 𝓼𝓬𝓻𝓲𝓹𝓽": "bold script",
    "zero\u200bwidth and soft\u00adhyphen": "zerowidth and softhyphen",
    "rev\u202eersed": "reversed",
    "hidden \U000e0074\U000e0061\U000e0067\U000e0073": "hidden tags",
    "z\u0300\u0301\u0302\u0303a\u0300\u0301\u0302l\u0300\u0301\u0302go": "zàl̀go".replace("l̀", "l"),
    "c\u0430t and d\u043eg": "cat and dog",
    "h o w  t o  b u i l d  a  h o u s e": "how to build a house",
    "please b u i l d i t n o w": "please build it now",
    "b.u.i.l.d the h-o-u-s-e": "build the house",
    "w-h-e-r-e a-r-e y-o-u": "where are you",
    "h o u s 3": "house",
    "the p0l1ce at th1s h0use": "the police at this house",
    "$ecret p@ssw0rd": "secret password",
    "o\np\ne\nn": "open",
    f"decode {wrapped(SENTENCE)} now": f"decode {SENTENCE} now",
    f"x {wrapped(wrapped(SENTENCE))}": f"x {SENTENCE}",
    f"powershell -enc {wrapped(SENTENCE, 'utf-16-le')}": f"powershell -enc {SENTENCE}",
    base64.urlsafe_b64encode(b"is it so? is it so? is it??>>>").decode(): "is it so? is it so? is it??>>>",
    wrapped("h o w  t o  b u i l d"): "how to build",
}


@pytest.mark.parametrize("text", UNDONE)
def test_what_hides_a_text_is_undone(text):
    found = normalized(text, installed_words)
    assert found.text == UNDONE[text]
    assert found.changed


PLAIN = [
    "",
    "   \n",
    "Plain English, with numbers: 3.14, 1,000 and 50% (of 4x4).",
    "C 3 P O and R 2 D 2 are robots",
    "A B C D E F G, and a, b, c, d, e",
    "A C G T A C G T T A",
    "x y z w",
    "U.S.A., e.g. and i.e. by the F.B.I.",
    "version 1.2.3.4-5 of 2024-01-02, at 10:30",
    'what does "l33t" mean',
    "mp3 h264 sha1 utf8 i18n win7 md5 b2b 4th 21st C3PO a1b2c3 ec2 s3 $100 user1",
    "mail john@doe.com or @home, it's 5$ !important a|b C++",
    "commit deadbeefcafebabe0123456789abcdef01234567",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
    "src/components/ButtonGroup/index and some-long-hyphenated-identifier-name",
    "Привет, как дела? 日本語のテキスト。 مرحبا",
    "naïve café, “quoted” – and so on … ‼",
]


@pytest.mark.parametrize("text", PLAIN)
def test_what_only_looks_hidden_stays(text):
    found = normalized(text, installed_words)
    assert found.text == text
    assert not found.changed
    assert found.place(0, len(text)) == (0, len(text))


def test_the_flag_of_a_region_says_nothing():
    flag = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
    assert normalized(f"{flag} England", installed_words).text == "\U0001f3f4 England"


def test_places_lead_back_to_what_was_written():
    text = f"one {wrapped(SENTENCE)} two t\u200bhree s p e l l e d b.u.i.l.d h0use"
    found = normalized(text, installed_words)

    def written(word: str) -> str:
        at = found.text.index(word)
        start, end = found.place(at, at + len(word))
        return text[start:end]

    assert written("one") == "one"
    assert written("bird") == wrapped(SENTENCE)
    assert written("two") == "two"
    assert written("three") == "t\u200bhree"
    assert written("spelled") == "s p e l l e d"
    assert written("build") == wrapped(SENTENCE)
    assert written("house") == wrapped(SENTENCE)
    assert found.place(*_span(found.text, "house", last=True)) == _span(text, "h0use")
    (start, end), *more = found.unwrapped
    assert found.text[start:end] == SENTENCE
    assert not more


def _span(text: str, word: str, *, last: bool = False) -> tuple[int, int]:
    at = text.rindex(word) if last else text.index(word)
    return at, at + len(word)


HARD = st.text(
    st.sampled_from("ab 10.@$!|-_\n=+/\u200b\u0301\ufb01\u0430\U000e0061\u00e9\ud800日\0"), max_size=80
)


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(HARD, st.text(max_size=80), st.binary(max_size=60).map(lambda b: base64.b64encode(b).decode()))
)
def test_any_text_has_places_in_order(text):
    found = normalized(text, installed_words)
    places = [found.place(at, at + 1) for at in range(len(found.text))]
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(places))
    if not found.changed:
        assert found.text == text


def test_wrappings_without_end_are_undone_twice_and_no_more():
    text = SENTENCE
    for _ in range(6):
        text = wrapped(text)
    assert wrapped(SENTENCE)[:8] not in normalized(text, installed_words).text
    assert normalized(text, installed_words).changed
