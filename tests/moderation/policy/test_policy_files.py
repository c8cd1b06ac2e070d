"""``moderation.toml``: what it may say, and that everything else is told with its file and line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ockit.environment import Directories
from ockit.errors import NotFound, OckitError, UsageError
from ockit.messages import ACTIONS
from ockit.moderation.policy.built_in import built_in
from ockit.moderation.policy.policy import Policy, Shift
from ockit.moderation.policy.reading import find_policy, parse_policy, read_policy
from ockit.moderation.policy.writing import as_toml
from ockit.moderation.toml_places import places

WHOLE = """
# a comment
[input]
levels = [
  "allow",  # 0
  "note",
  "confirm", "caution",
  "refuse",
]
injection = "refuse"
topics = ["cooking"]
off_topic = "refuse"
fail = "open"
shift = { level = 0.5, level4 = -1, injection = 0.7, cyber = 1.5 }

[input.categories]
self_harm = { from = 3, action = "support" }
cyber = "note"
hate = ["allow", "caution", "refuse", "refuse", "refuse"]

[output]
levels = ["allow", "note", "note", "note", "refuse"]

[backend.embedded]
enforce = false
timeout = 2.5

[backend.mine]
kind = "rules"
file = "rules.toml"
max_level = 2
roles = ["input", "output"]

[texts]
refuse = '''
No,
thank you.'''
"""


def test_a_whole_policy() -> None:
    policy = parse_policy(WHOLE, "m.toml")
    assert policy.input.levels == ("allow", "note", "confirm", "caution", "refuse")
    assert policy.input.categories["self_harm"] == ("allow", "note", "confirm", "support", "support")
    assert policy.input.categories["cyber"] == ("allow", "note", "note", "note", "note")
    assert policy.input.categories["hate"] == ("allow", "caution", "refuse", "refuse", "refuse")
    assert policy.input.shift == Shift((0.5, 0.5, 0.5, -1.0), {"injection": 0.7, "cyber": 1.5})
    assert (policy.input.injection, policy.input.fail, policy.input.topics) == (
        "refuse",
        "open",
        ("cooking",),
    )
    assert policy.input.distress == built_in().input.distress
    assert policy.retrieved == built_in().retrieved
    embedded, mine = policy.backends
    assert (embedded.enforce, embedded.timeout, embedded.where) == (False, 2.5, "m.toml:24")
    assert (mine.kind, mine.max_level, mine.roles) == ("rules", 2, ("user", "assistant"))
    assert (mine.options, mine.where) == ({"file": "rules.toml"}, "m.toml:28")
    assert policy.texts.refuse == "No,\nthank you."
    assert policy.texts.support == built_in().texts.support


def test_an_empty_file_is_the_built_in_policy() -> None:
    policy, usual = parse_policy("", "m.toml"), built_in()
    assert (policy.input, policy.output, policy.retrieved) == (usual.input, usual.output, usual.retrieved)
    assert (policy.backends, policy.texts) == (usual.backends, usual.texts)


def test_the_built_in_policy_is_that_of_openchatkit() -> None:
    policy = built_in()
    assert policy.input.levels == ("allow", "note", "caution", "caution", "refuse")
    assert policy.input.fails_closed
    assert policy.output.actions == {"allow", "note"}
    assert not policy.output.fails_closed
    assert policy.retrieved.injection == "refuse"


def test_what_a_section_can_do() -> None:
    def output(line: str) -> tuple[bool, set[str]]:
        section = parse_policy(f"[output]\n{line}\n", "m").output
        return section.can_refuse, set(section.actions - {"allow", "note"})

    assert output("") == (False, set())
    assert output('injection = "caution"') == (False, {"caution"})
    assert output('distress = "support"') == (True, {"support"})
    assert output('unread = "refuse"') == (True, {"refuse"})
    assert output('categories.cyber = "refuse"') == (True, {"refuse"})
    assert output('topics = ["a"]\noff_topic = "refuse"') == (True, {"refuse"})
    assert output('off_topic = "refuse"') == (False, set())  # without a topic nothing is off it


def test_what_comes_along_stays_unless_it_is_switched_off() -> None:
    rules = '[backend.mine]\nkind = "rules"\nfile = "r.toml"\n'
    both = parse_policy(rules, "m")
    assert [(spec.name, spec.kind) for spec in both.backends] == [("embedded", "embedded"), ("mine", "rules")]
    assert both.gaps() == []
    other = parse_policy(rules + '[backend.quick]\nkind = "embedded"\ntimeout = 2\n', "m")
    assert [spec.name for spec in other.backends] == ["mine", "quick"]
    without = parse_policy(rules + "[backend.embedded]\nenabled = false\n", "m")
    assert [spec.name for spec in without.backends] == ["mine"]
    (gap,) = without.gaps()
    assert "nothing here recognises distress or orders in documents" in gap
    assert parse_policy("[backend.embedded]\nenabled = false\n", "m").backends == ()
    off = parse_policy(rules + "enabled = false\n", "m")
    assert [spec.name for spec in off.backends] == ["embedded"]


def test_what_becomes_of_a_text_that_was_not_read_to_its_end() -> None:
    usual = built_in()
    assert (usual.input.unread, usual.output.unread, usual.retrieved.unread) == ("caution", "note", "note")
    assert parse_policy('[retrieved]\nunread = "refuse"', "m").retrieved.unread == "refuse"


FAULTS = [
    ("[inptu]\n", 1, "inptu is not known here", "did you mean input?"),
    ("input = 3", 1, "must be a table", "[input]"),
    ("[[input]]\n", 1, "must be a table", "[input]"),
    ("\n\n[input]\n\nlevls = []", 5, "input.levls is not known here", "levels"),
    ('[input]\nlevels = ["allow"]', 2, "1 of them", "levels = ["),
    ('[input]\n\nlevels = ["allow","never","note","note","note"]', 3, '"never"', "levels = ["),
    ("[input]\nlevels = [1, 2, 3, 4, {a = 1}]", 2, "five actions", "levels = ["),
    ('[input]\nlevels = "refuse"', 2, "a list of five actions", "levels = ["),
    ('[input]\ninjection = "block"', 2, '"block"', 'injection = "allow"'),
    ('[input]\ninjection = "refused"', 2, '"refused"', "did you mean refuse?"),
    ("[output]\nfail = true", 2, "closed or open", "fail ="),
    ("[input]\nshift = nan", 2, "nan", "shift ="),
    ("[input]\nshift = 11", 2, "from -10 to 10", "shift ="),
    ("[input]\nshift = {level9 = 1}", 2, "level9", "did you mean level"),
    ('[input]\ntopics = "a"', 2, "a list of texts", "topics ="),
    ('[input.categories]\nhat = "note"', 2, "input.categories.hat", "did you mean hate?"),
    ("[input.categories]\ncyber = {from = 3}", 2, "names no action", "action"),
    ('[input.categories]\ncyber = {from = 7, action = "note"}', 2, "from 0 to 4", "from ="),
    ("[input.categories]\ncyber = true", 2, "one action", "cyber ="),
    ('[input]\n# x\n[input.categories.cyber]\nfrom = 3\naction = "stop"', 5, '"stop"', "action"),
    ("[backend.x]\n", 1, "has no kind", "embedded"),
    ('[backend.x]\nkind = "magic"', 2, '"magic"', "kind"),
    ("[backend.rules]\n", 1, "needs file", "file ="),
    ("[backend.guard]\nmodel = 4", 2, "must be text", "moderation.md"),
    ("[backend.embedded]\nmodel = 'x'", 2, "not known here", "it may hold"),
    ("[backend.embedded]\ntimeout = inf", 2, "inf", "timeout = 20"),
    ("[backend.embedded]\nmax_level = true", 2, "whole number", "max_level"),
    ('[backend.embedded]\nroles = ["user"]', 2, '"user"', '"input"'),
    ("[backend.embedded]\nroles = []", 2, "roles", '"input"'),
    ("[backend.embedded]\nenabled = 0", 2, "true or false", "enabled = true"),
    ('[backend.embedded]\nkind = "rules"\nfile = "r"', 2, "another back end", "another name"),
    ("[backend]\nembedded = true", 2, "must be a table", "[backend.embedded]"),
    ('[backend."a\\nb"]\nkind = "rules"', 1, "called", "short name"),
    ('[texts]\nrefuse = " "', 2, "is empty", "leave refuse out"),
    ("[texts]\nrefuse = 1", 2, "must be text", "refuse"),
    ("[texts]\ngreeting = 'x'", 2, "not known here", "it may hold"),
    ("[input]\na = ", 2, "not TOML", "correct the line"),
    ("x", 1, "not TOML", "correct the line"),
    ("[texts]\nrefuse = '''a\nb'''\n\ncautoin = 'x'", 5, "cautoin", "did you mean caution?"),
]


@pytest.mark.parametrize(("text", "line", "what", "hint"), FAULTS, ids=[str(n) for n in range(len(FAULTS))])
def test_a_fault_is_told_with_its_line(text: str, line: int, what: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_policy(text, "m.toml")
    assert caught.value.where == f"m.toml:{line}"
    assert what in caught.value.what
    assert hint in (caught.value.hint or "")


def gathered(path: Path, text: str) -> tuple[UsageError | None, list[UsageError]]:
    """The fault that is raised, if any, and those that are gathered; of a text that is no TOML, both are raised."""
    path.write_text(text)
    faults: list[UsageError] = []
    try:
        read_policy(path, faults)
    except UsageError as error:
        faults.append(error)
    try:
        read_policy(path)
    except UsageError as error:
        return error, faults
    return None, faults


@pytest.mark.parametrize("text", [fault[0] for fault in FAULTS], ids=[str(n) for n in range(len(FAULTS))])
def test_where_faults_are_gathered_the_same_one_is_found(tmp_path: Path, text: str) -> None:
    raised, faults = gathered(tmp_path / "m.toml", text)
    assert raised is not None
    told = [(fault.what, fault.where, fault.hint) for fault in faults]
    assert (raised.what, raised.where, raised.hint) in told
    assert len(told) == len(set(told)) <= 2  # some have a second one: what is left out besides


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["input", "output", "input.categories", "backend.a", "backend.rules", "texts", "x"]
            ),
            st.dictionaries(
                st.sampled_from(
                    [
                        "levels",
                        "hate",
                        "kind",
                        "roles",
                        "shift",
                        "fail",
                        "file",
                        "timeout",
                        "enabled",
                        "refuse",
                        "topics",
                    ]
                ),
                st.sampled_from(
                    [
                        '"x"',
                        "3",
                        "true",
                        "[]",
                        '["a"]',
                        "{ from = 9 }",
                        '{ action = "no" }',
                        '"rules"',
                        '"fewshot"',
                        "nan",
                    ]
                ),
                max_size=5,
            ),
        ),
        max_size=5,
        unique_by=lambda table: table[0],
    )
)
def test_faults_are_gathered_where_one_would_be_raised_and_only_there(
    tmp_path: Path, tables: list[tuple[str, dict[str, str]]]
) -> None:
    lines = []
    for heading, values in tables:
        lines += [f"[{heading}]", *(f"{key} = {value}" for key, value in values.items())]
    raised, faults = gathered(tmp_path / "m.toml", "\n".join(lines))
    told = [(fault.what, fault.where) for fault in faults]
    assert len(set(told)) == len(told)  # none twice
    assert (raised is None) is (not faults)
    assert raised is None or (raised.what, raised.where) in told
    places_told = [int(str(fault.where).rpartition(":")[2]) for fault in faults]
    assert places_told == sorted(places_told)


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "9" * 5000, "a." * 3000 + "b = 1"])
def test_what_the_parser_itself_cannot_bear(text: str) -> None:
    with pytest.raises(UsageError, match=r"m\.toml"):
        parse_policy(text, "m.toml")


def test_files_that_are_none(tmp_path: Path) -> None:
    bad = tmp_path / "m.toml"
    bad.write_bytes(b"[input]\n# caf\xe9\n")
    with pytest.raises(UsageError) as caught:
        read_policy(bad)
    assert caught.value.where == f"{bad}:2"
    bad.write_bytes(b"\0" * (1 << 20))
    with pytest.raises(UsageError, match="larger"):
        read_policy(bad)
    with pytest.raises(UsageError, match="directory"):
        read_policy(tmp_path)
    with pytest.raises(NotFound):
        read_policy(tmp_path / "none.toml")


def test_which_policy_holds(tmp_path: Path) -> None:
    directories = Directories.of({"OCKIT_HOME": str(tmp_path)})
    assert find_policy(directories).path is None
    mine = directories.config / "moderation.toml"
    mine.parent.mkdir()
    mine.write_text('[input]\ninjection = "refuse"\n')
    assert find_policy(directories).input.injection == "refuse"
    other = tmp_path / "other.toml"
    other.write_text('\ufeff[input]\ninjection = "confirm"\n')  # with an editor's byte order mark
    assert find_policy(directories, other).input.injection == "confirm"
    mine.write_text("[")
    with pytest.raises(UsageError):  # a policy that cannot be read is not no policy
        find_policy(directories)


def test_where_keys_stand() -> None:
    text = 'a.b = 1\n[[r]]\nx = 1\n# [c]\n[[r]]\ny = [\n 1,\n]\n[r.z]\nw = """\n[no]\n"""\n["q.s"."t"]\n'
    found = places(text)
    expected = {
        ("a", "b"): 1,
        ("r", 0): 2,
        ("r", 0, "x"): 3,
        ("r", 1): 5,
        ("r", 1, "y"): 6,
        ("r", 1, "z"): 9,
        ("r", 1, "z", "w"): 10,
        ("q.s", "t"): 13,
    }
    assert {path: found[path] for path in expected} == expected
    assert ("no",) not in found


def bare(policy: Policy) -> Policy:
    """A policy without where it was read."""
    backends = tuple(replace(spec, where="") for spec in policy.backends)
    return replace(policy, backends=backends, path=None, digest="")


LABELS = '[backend."my hf"]\nkind = "hf"\nmodel = "./x"\nlabels = { toxic = 3, "not ok" = "hate:4" }\n'


OFF = '[input]\nunread = "refuse"\n[backend.embedded]\nenabled = false\n'


@pytest.mark.parametrize("text", ["", WHOLE, LABELS, OFF, '[texts]\nrefuse = "\\u0007 \\"no\\" \\\\ [x]"'])
def test_a_policy_that_is_written_reads_the_same(text: str) -> None:
    policy = parse_policy(text, "m.toml")
    assert bare(parse_policy(as_toml(policy), "n.toml")) == bare(policy)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="[]{}=\".,\n #abc012'\\-", max_size=80))
def test_no_text_ends_in_another_error(text: str) -> None:
    told: OckitError | None = None
    try:
        parse_policy(text, "m.toml")
    except OckitError as error:
        told = error
    assert told is None or (type(told) is UsageError and (told.where or "").startswith("m.toml"))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(ACTIONS), min_size=5, max_size=5), st.integers(0, 6), st.sampled_from(ACTIONS)
)
def test_a_row_comes_back_as_it_was_written(row: list[str], gap: int, action: str) -> None:
    listed = ", ".join(f'"{one}"' for one in row)
    text = "\n" * gap + f'[input]\nlevels = [{listed}]\n[input.categories]\ncyber = "{action}"\n'
    section = parse_policy(text, "m").input
    assert list(section.levels) == row
    assert section.categories["cyber"][2:] == (action,) * 3
    order = ACTIONS.index
    assert all(order(one) <= order(action) for one in section.categories["cyber"])
