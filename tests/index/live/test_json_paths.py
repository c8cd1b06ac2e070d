"""Paths into JSON: a strict little language, against a walk by hand."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ockit.errors import UsageError
from ockit.index.live.json_paths import JsonPath

SAID = {
    "results": [{"title": "a", "tags": ["x", "y"]}, {"title": "b"}, 7],
    "hits": {"hits": [{"_source": {"some text": "deep", "n": 2}}]},
    "empty": [],
    "content-type": "t",
}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("results[*].title", ["a", "b"]),
        ("results[0].title", ["a"]),
        ("results[-3].title", ["a"]),
        ("results[9].title", []),
        ("hits.hits[*]._source", [{"some text": "deep", "n": 2}]),
        ('hits.hits[0]._source["some text"]', ["deep"]),
        ("$.content-type", ["t"]),
        ('$["content-type"]', ["t"]),
        ("results.title", []),
        ("results[*].tags[*]", ["x", "y"]),
        ("$", [SAID]),
    ],
)
def test_what_a_path_leads_to(path, values):
    assert JsonPath.parse(path).values(SAID) == values


WRONG = [
    " ",
    ".a",
    "a.",
    "a..b",
    "a[",
    "a[]",
    "a[x]",
    "a]b",
    "a[*]b",
    "a[1.5]",
    "$a",
    "$..a",
    '["a]',
    "a[**]",
    "a. b",
]


@pytest.mark.parametrize("path", ["", "a[?(1)]", "a" * 501, "a[99999999]", '["\\x"]', "$$", *WRONG])
def test_what_is_no_path(path):
    with pytest.raises(UsageError, match="no path into JSON"):
        JsonPath.parse(path, "--items")


@pytest.mark.parametrize(
    ("path", "items"),
    [
        ("results", SAID["results"]),
        ("results[*]", SAID["results"]),
        ("results[*].title", ["a", "b"]),
        ("empty", []),
        ("empty[*]", []),
        ("empty[*].title", []),
        ("none", None),
        ("none[*]", None),
        ("content-type", None),
        ("hits", None),
        ("hits.hits", SAID["hits"]["hits"]),
    ],
)
def test_the_list_of_results(path, items):
    assert JsonPath.parse(path).items(SAID) == items


def test_texts_and_numbers():
    assert JsonPath.parse("tags").text_of(SAID["results"][0]) == "x\ny"
    assert JsonPath.parse("title").text_of({"title": None}) == ""
    assert JsonPath.parse("title").text_of({"title": True}) == ""
    assert JsonPath.parse("title").text_of({"title": {"a": 1}}) == ""
    for value, number in (
        (2, 2.0),
        ("0.5", 0.5),
        (True, None),
        (None, None),
        ("x", None),
        (1e999, None),
        ("nan", None),
    ):
        assert JsonPath.parse("n").number_of({"n": value}) == number
    assert JsonPath.parse("n").number_of({"n": 10**400}) is None


names = st.text(max_size=6)
trees = st.recursive(
    st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)


@given(trees, st.data())
def test_every_place_has_a_path(tree, data):
    """Walk down anywhere; the path that is written from the walk leads to the same value."""
    path, here = "$", tree
    while isinstance(here, list | dict) and here and data.draw(st.booleans()):
        if isinstance(here, list):
            at = data.draw(st.integers(0, len(here) - 1))
            path, here = f"{path}[{at}]", here[at]
        else:
            name = data.draw(st.sampled_from(sorted(here)))
            path, here = f"{path}[{json.dumps(name)}]", here[name]
    assert JsonPath.parse(path).values(tree) == [here]


@given(st.text(max_size=40), trees)
def test_no_text_breaks_it(text, tree):
    try:
        path = JsonPath.parse(text)
    except UsageError:
        return
    assert isinstance(path.values(tree), list)
