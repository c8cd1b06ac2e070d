"""Every setting: its origin, its place among the origins, and every way to write it wrong."""

from __future__ import annotations

import time
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ockit import settings, toml_lines
from ockit.environment import Directories
from ockit.errors import ExitCode, StoreError, UsageError
from ockit.messages import Sampling
from ockit.settings import KEYS, load, sampling, set_value, unset_value

GOOD = {
    "model": ("small", "small"), "system": ("Be brief.", "Be brief."), "template": ("chatml", "chatml"),
    "condition": ("Code", "Code"), "temperature": ("0.5", 0.5), "top_k": ("7", 7), "top_p": ("0.5", 0.5),
    "min_p": ("0.1", 0.1), "repeat_penalty": ("1.2", 1.2), "max_tokens": ("9", 9), "seed": ("0", 0),
    "ctx_size": ("2048", 2048), "threads": ("3", 3), "threads_prefill": ("4", 4), "gpu_layers": ("all", "all"),
    "tensor_split": ("3,1", (3.0, 1.0)), "main_gpu": ("1", 1), "flash_attention": ("OFF", "off"),
    "gpu_memory": ("0:10,1:.5", "0:10,1:.5"), "ram": ("20", 20.0),
    "memory_check": ("no", False), "stall_seconds": ("30", 30.0), "log": ("false", False),
    "theme": ("Dark", "dark"), "edit_mode": ("vi", "vi"),
    "index": (" docs, mail,docs ", ("docs", "mail")), "passages": ("6", 6), "moderation": ("no", False),
}  # fmt: skip

BAD_TEXT = [
    ("temperature", "warm"), ("temperature", "-0.1"), ("temperature", "nan"), ("temperature", "inf"),
    ("temperature", "10.1"), ("top_k", "1.5"), ("top_k", "-1"), ("top_k", "9999999"), ("top_p", "1.01"),
    ("min_p", "-1"), ("repeat_penalty", "0"), ("max_tokens", "0"), ("max_tokens", "x"), ("seed", "-1"),
    ("seed", "4294967295"), ("ctx_size", "-5"), ("ctx_size", "1e3"), ("threads", "1025"), ("gpu_layers", "most"),
    ("gpu_layers", "-1"), ("tensor_split", "1,x"), ("tensor_split", "1,-1"), ("tensor_split", "0,0"),
    ("tensor_split", ","), ("main_gpu", "first"), ("flash_attention", "maybe"), ("memory_check", "2"),
    ("gpu_memory", "0:"), ("gpu_memory", "0:x"), ("gpu_memory", "0:-1"), ("gpu_memory", "a:3"),
    ("gpu_memory", "0:10,0:12"), ("gpu_memory", "0:inf"), ("gpu_memory", "0:nan"), ("gpu_memory", "16:1"),
    ("gpu_memory", "0:1000001"), ("gpu_memory", "0:1,"), ("gpu_memory", "0:1e3"), ("gpu_memory", "-1:3"),
    ("gpu_memory", "0:1:2"), ("gpu_memory", "0:\u0663"), ("ram", "0"), ("ram", "-1"), ("ram", "nan"), ("ram", "inf"),
    ("ram", "1e7"), ("ram", "some"),
    ("stall_seconds", "0"), ("stall_seconds", "1e9"), ("log", "perhaps"),
    ("theme", "solarized"), ("edit_mode", "nano"),
    ("passages", "0"), ("passages", "51"), ("passages", "few"),
]  # fmt: skip

BAD_TOML = [
    ("temperature", '"0.5"'), ("temperature", "true"), ("temperature", "[1]"), ("top_k", "4.0"),
    ("top_k", "true"), ("model", "4"), ("model", "false"), ("system", "1.5"), ("log", "1"), ("tensor_split", "{a = 1}"),
    ("gpu_memory", "10"), ("gpu_memory", "[1]"), ("gpu_memory", '""'), ("ram", '"20"'),
    ("tensor_split", '["x"]'), ("gpu_layers", "1.5"), ("flash_attention", "true"), ("seed", "1979-05-27"),
    ("index", "3"), ("index", "[1]"), ("passages", '"4"'),
]  # fmt: skip


@pytest.fixture
def directories(tmp_path):
    return Directories.of({"OCKIT_HOME": str(tmp_path)})


def write(directories, text):
    directories.config.mkdir(exist_ok=True)
    (directories.config / "config.toml").write_text(text)


def test_defaults(directories):
    found = load(directories, {})
    assert {key: found.origin(key) for key in KEYS} == dict.fromkeys(KEYS, "default")
    for entry in fields(Sampling):
        if entry.name in KEYS:
            assert getattr(found, entry.name) == entry.default


def test_each_origin_counts_more_than_the_one_before(directories):
    write(directories, "# mine\n\ntemperature = 0.1\ntop_k = 1\n")
    found = load(directories, {"OCKIT_TOP_K": "2", "OCKIT_MIN_P": "0.2"}, {"min_p": 0.3, "top_p": None})
    assert (found.temperature, found.origin("temperature")) == (0.1, "config.toml:3")
    assert (found.top_k, found.origin("top_k")) == (2, "OCKIT_TOP_K")
    assert (found.min_p, found.origin("min_p")) == (0.3, "--min-p")
    assert (found.top_p, found.origin("top_p")) == (0.95, "default")


@pytest.mark.parametrize("key", KEYS)
def test_every_key_from_every_origin(directories, key):
    text, value = GOOD[key]
    by_variable = load(directories, {settings.variable(key): text})
    assert (getattr(by_variable, key), by_variable.origin(key)) == (value, f"OCKIT_{key.upper()}")
    by_flag = load(directories, {}, {key: value})
    assert (getattr(by_flag, key), by_flag.origin(key)) == (value, settings.flag(key))
    assert set_value(directories, key, text) == value
    by_file = load(directories, {})
    assert (getattr(by_file, key), by_file.origin(key)) == (value, "config.toml:1")
    assert unset_value(directories, key)
    assert load(directories, {}) == load(directories, {}, {})


@pytest.mark.parametrize(("key", "text"), BAD_TEXT)
def test_a_bad_variable_is_named_with_its_value(directories, key, text):
    with pytest.raises(UsageError) as caught:
        load(directories, {settings.variable(key): text})
    assert settings.variable(key) in caught.value.what
    assert f'"{text}"' in caught.value.what
    assert settings.allowed(KEYS[key].metadata) in caught.value.what
    assert caught.value.hint == f"unset {settings.variable(key)}"


@pytest.mark.parametrize(("key", "text"), BAD_TEXT)
def test_a_bad_value_is_not_written(directories, key, text):
    write(directories, "# nothing\n")
    with pytest.raises(UsageError, match="must be"):
        set_value(directories, key, text)
    assert (directories.config / "config.toml").read_text() == "# nothing\n"


@pytest.mark.parametrize(("key", "value"), BAD_TOML)
def test_a_bad_line_is_named_with_its_number(directories, key, value):
    write(
        directories,
        f'# first\nsystem = """\n{key} = 1\n"""\n{key if key != "system" else "model"} = {value}\n',
    )
    with pytest.raises(UsageError) as caught:
        load(directories, {})
    assert caught.value.where == f"{directories.config / 'config.toml'}:5"
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("top_k = 1\ntemprature = 1\n", 2, "temprature"),
        ("top_k = 1\ntop_k = 2\n", 2, "not TOML"),
        ("top_k = \n", 1, "not TOML"),
        ("\n\n[sampling]\ntop_k = 1\n", 3, "sampling"),
        ("sampling.top_k = 1\n", 1, "sampling"),
        ('system = "open\n', 1, "not TOML"),
        ('system = """open\n\n', 2, "not TOML"),
        ("[[models]]\n", 1, "models"),
    ],
)
def test_a_file_that_cannot_be_is_named_with_its_line(directories, text, line, what):
    write(directories, text)
    with pytest.raises(UsageError, match=what) as caught:
        load(directories, {})
    place, _, number = caught.value.where.rpartition(":")
    assert place == str(directories.config / "config.toml")
    assert int(number) - line in (0, 1)  # TOML sees an open string at the end


def test_bytes_that_are_not_text(directories):
    directories.config.mkdir()
    (directories.config / "config.toml").write_bytes(b"top_k = 1\nmodel = '\xff'\n")
    with pytest.raises(UsageError, match="UTF-8") as caught:
        load(directories, {})
    assert caught.value.where.endswith("config.toml:2")


def test_a_file_too_large_or_none_at_all(directories):
    write(directories, "#" * (2 << 20))
    with pytest.raises(UsageError, match="larger"):
        load(directories, {})
    (directories.config / "config.toml").unlink()
    (directories.config / "config.toml").mkdir()
    with pytest.raises(UsageError, match="directory"):
        load(directories, {})


def test_the_nearest_name_is_told(directories):
    for act in (lambda: set_value(directories, "top-kk", "1"), lambda: unset_value(directories, "TOP_K")):
        with pytest.raises(UsageError) as caught:
            act()
        assert caught.value.hint == "the nearest name is top_k"
    with pytest.raises(UsageError, match="OCKIT_TEMPRATURE") as caught:
        load(directories, {"OCKIT_TEMPRATURE": "1"})
    assert caught.value.hint == "OCKIT_TEMPERATURE=1"


def test_variables_that_are_none_of_ours(directories):
    kept = {
        "OCKIT_HOME": "/x",
        "OCKIT_DEBUG": "1",
        "OCKIT_TEST_DATA": "/y",
        "OCKIT_FRIEND": "z",
        "TOP_K": "x",
        "OCKIT_TOP_K": "",
    }
    assert load(directories, kept) == load(directories, {})


def test_the_current_directory_is_not_read(directories, tmp_path, monkeypatch):
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    for name in ("config.toml", "ockit.toml", ".ockit.toml", "pyproject.toml"):
        (tmp_path / "project" / name).write_text("top_k = 1\n[tool.ockit]\ntop_k = 1\n")
    assert load(directories, {}).top_k == 40


def test_editing_keeps_every_other_line(directories):
    before = '# mine\n\n  top_k = 1   # few\nsystem = """\nlong\n"""\n\n"min_p" = 0.1\n# end'
    write(directories, before)
    set_value(directories, "top_k", "2")
    set_value(directories, "system", 'quote " back \\ tab \t line\nend \x7f \x1b')
    set_value(directories, "min_p", "0.2")
    set_value(directories, "log", "off")
    path = directories.config / "config.toml"
    lines = path.read_text().splitlines()
    assert lines[:3] == ["# mine", "", "top_k = 2   # few"]
    assert lines[4:] == ["", "min_p = 0.2", "# end", "log = false"]
    assert load(directories, {}).system == 'quote " back \\ tab \t line\nend \x7f \x1b'
    unset_value(directories, "system")
    assert path.read_text() == "# mine\n\ntop_k = 2   # few\n\nmin_p = 0.2\n# end\nlog = false\n"
    assert not unset_value(directories, "system")


def test_a_long_text_is_read_in_a_moment(directories):
    long = "line of a long text\n" * 10_000
    write(directories, f'system = """\n{long}"""\ntop_k = 3\n')
    start = time.process_time()
    found = load(directories, {})
    assert time.process_time() - start < 2
    assert (found.system, found.origin("top_k")) == (long, "config.toml:10003")


def test_a_key_spelled_with_escapes(directories):
    write(directories, '"top\\u005fk" = 3\n')
    found = load(directories, {})
    assert (found.top_k, found.origin("top_k")) == (3, "config.toml")


def test_a_bad_value_can_be_repaired_with_set_and_unset(directories):
    write(directories, "top_k = 'many'\n")
    set_value(directories, "top_k", "3")
    assert load(directories, {}).top_k == 3
    write(directories, "top_k = 'many'\n")
    assert unset_value(directories, "top_k")
    write(directories, "top_k = 'many'\n")
    with pytest.raises(UsageError, match="top_k"):
        set_value(directories, "min_p", "0.1")


@given(st.text())
def test_any_text_comes_back_as_it_was(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        text = ""
    written = toml_lines.replaced("# one\nsystem = 'x' # two\ntop_k = 1\n", "system", text)
    assert toml_lines.parse(written, "f") == {"system": text, "top_k": 1}
    assert [s.key for s in toml_lines.statements(written)] == ["system", "top_k"]


def test_lines_inside_a_value_are_no_statements_whatever_its_key_is() -> None:
    text = '# one\n"a key" = """\ntop_k = 1\n"""\n\nseed = [\n 1,\n]\n[table]\nx = 1\n'
    found = [(one.key, one.first, one.last) for one in toml_lines.statements(text)]
    assert found == [("seed", 6, 8), ("table", 9, 9)]
    assert [first for first, _ in toml_lines.sources(text)] == [2, 6, 9, 10]
    assert "".join(source for _, source in toml_lines.sources(text)).count("\n") == 8


def test_text_that_is_not_utf8_is_refused(directories):
    with pytest.raises(UsageError, match="UTF-8"):
        set_value(directories, "system", "\udcff")


def test_a_home_below_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    directories = Directories.of({"OCKIT_HOME": str(tmp_path / "file" / "home")})
    for act in (lambda: load(directories, {}), lambda: set_value(directories, "top_k", "1")):
        with pytest.raises(StoreError, match="not a directory"):
            act()


def test_sampling_has_the_models_defaults_in_between(directories):
    write(directories, "top_k = 3\n")
    found = load(directories, {"OCKIT_MIN_P": "0.25"})
    chosen = sampling(
        found, {"temperature": "0", "dry_multiplier": "0.8", "seed": None}, model={"top_k": 9, "top_p": 0.5}
    )
    assert (chosen.top_k, chosen.top_p, chosen.min_p, chosen.temperature) == (3, 0.5, 0.25, 0.0)
    assert (chosen.dry_multiplier, chosen.seed, chosen.repeat_penalty) == (0.8, None, 1.0)


@pytest.mark.parametrize(
    ("key", "value"), [("temperatur", "1"), ("temperature", "x"), ("dry_base", "0"), ("repeat_last_n", "1.5")]
)
def test_a_bad_option_of_sampling(directories, key, value):
    with pytest.raises(UsageError, match="--temp" if key == "temperature" else key) as caught:
        sampling(load(directories, {}), {key: value})
    assert caught.value.hint
    assert caught.value.exit_code == ExitCode.USAGE


def test_every_key_says_what_it_is():
    for key, entry in KEYS.items():
        assert entry.metadata["doc"].endswith("."), key
        assert settings.allowed(entry.metadata), key
