import os
import subprocess
import sys

import pytest

HEAVY = set("torch numpy rich prompt_toolkit llama_cpp jsonschema jinja2 psutil sqlite3 llm".split())


def test_list(ockit, tiny):
    ockit("models", "add", tiny(), "--alias", "t", "--alias", "u")
    ran = ockit("models", "list")
    head, first, second = (line.split("\t") for line in ran.out.splitlines())
    assert head == ["NAME", "SIZE", "PARAMS", "QUANT", "CONTEXT", "TEMPLATE", "SOURCE"]
    assert first[:5] == ["smollm2-135m-instruct *", "93.8 MiB", "135M", "Q4_1", "8192"]
    assert (second[0], second[3], second[4], second[6]) == ("tiny", "F32", "512", "added")
    rows = ockit("models", "list", "--json").json
    assert rows["schema_version"] == 1
    assert [(row["name"], row["default"], row["aliases"]) for row in rows["models"]] == [
        ("smollm2-135m-instruct", True, ["smollm2"]),
        ("tiny", False, ["t", "u"]),
    ]


def test_the_template_that_a_model_names_is_shown(ockit, tiny):
    ockit("models", "add", tiny())
    rows = ockit("models", "list", "--json").json["models"]
    assert [row["template"] for row in rows] == ["chatml", "chatml"]
    ockit("models", "add", tiny(), "--template", "vicuna")
    assert ockit("models", "list", "--json").json["models"][1]["template"] == "vicuna"


def test_show(ockit, tiny):
    path = tiny()
    ockit("models", "add", path)
    card = ockit("models", "show", "tiny", "--json", "--verify").json["model"]
    assert (card["path"], card["verified"], card["problem"]) == (str(path), True, None)
    assert card["memory"]["total"] == sum(card["memory"][key] for key in ("weights", "kv_cache", "compute"))
    assert card["memory"]["fits"] is True
    text = ockit("models", "show", "tiny", "--verify").out
    assert f"path:         {path}" in text
    assert "(verified)" in text


def test_show_of_a_path(ockit, tiny):
    path = tiny("x/y.gguf")
    card = ockit("models", "show", path, "--json").json["model"]
    assert (card["source"], card["sha256"], card["quantization"]) == ("path", None, "F32")
    assert len(ockit("models", "show", path, "--json", "--verify").json["model"]["sha256"]) == 64


def test_show_of_a_file_that_is_gone(ockit, tiny):
    path = tiny()
    ockit("models", "add", path)
    path.unlink()
    card = ockit("models", "show", "tiny", "--json").json["model"]
    assert (card["problem"], card["quantization"], card["memory"]) == ("no such file", "F32", None)
    assert ockit("models", "show", "tiny", "--verify").code == 3
    ran = ockit("models", "list")
    assert (ran.code, "tiny: no such file" in ran.err) == (0, True)


def test_a_changed_content_fails_verify(ockit, tiny):
    path = tiny()
    ockit("models", "add", path)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    ran = ockit("models", "show", "tiny", "--verify")
    assert (ran.code, "sha256" in ran.err) == (1, True)


def test_default(ockit, tiny):
    ockit("models", "add", tiny())
    assert ockit("models", "default").out == "smollm2-135m-instruct\n"
    assert ockit("models", "default", "tiny").code == 0
    assert ockit("models", "default").out == "tiny\n"
    assert ockit("models", "list").out.splitlines()[2].startswith("tiny *\t")
    ran = ockit("models", "rm", "tiny")
    assert (ran.code, "smollm2-135m-instruct again" in ran.err) == (0, True)


def test_a_setting_comes_before_the_default(ockit, tiny):
    ockit("models", "add", tiny())
    ran = ockit("models", "default", OCKIT_MODEL="tiny")
    assert (ran.out, "OCKIT_MODEL" in ran.err) == ("tiny\n", True)
    assert ockit("models", "list", OCKIT_MODEL="tiny").out.splitlines()[2].startswith("tiny *\t")


def test_a_setting_that_names_no_model_leaves_the_list(ockit):
    ran = ockit("models", "list", OCKIT_MODEL="nonsense")
    assert ran.code == 0
    assert "smollm2" in ran.out
    assert "nonsense" in ran.err


def test_rm_and_alias(ockit, tiny):
    path = tiny()
    ockit("models", "add", path)
    assert "small" in ockit("models", "alias", "smollm2", "small").err
    assert ockit("models", "alias", "smollm2", "small", "--remove").code == 0
    assert ockit("models", "alias", "smollm2", "small", "--remove").code == 3
    assert ockit("models", "rm", "tiny").code == 0
    assert path.exists()
    assert ockit("models", "rm", "tiny").code == 3
    ran = ockit("models", "rm", "smollm2")
    assert (ran.code, "embedded" in ran.err) == (2, True)


@pytest.mark.parametrize("name", ["\x1b[31mred", "a\u202eb", "a b", "x.gguf"])
def test_bad_names_are_refused_and_shown_safely(ockit, tiny, name):
    path = tiny()
    for argv in (("add", path, "--name", name), ("add", path, "--alias", name), ("alias", "smollm2", name)):
        ran = ockit("models", *argv)
        assert ran.code == 2
        assert not set(ran.err) & set("\x1b\u202e")
    assert len(ockit("models", "list", "--json").json["models"]) == 1


def test_an_unknown_model(ockit):
    ran = ockit("models", "show", "smolm")
    assert (ran.code, ran.out) == (3, "")
    assert "near: smollm2" in ran.err
    assert "ockit models list" in ran.err


def test_the_list_is_light(tmp_path):
    # twice: the first run reads headers and keeps what they say
    code = (
        "import sys; from ockit.app import run; from ockit.environment import Environment;"
        "run(['models', 'list'], Environment.of_process());"
        f"print({HEAVY} & set(sys.modules) or 'none', file=sys.stderr)"
    )
    variables = {**os.environ, "OCKIT_HOME": str(tmp_path)}
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-P", "-c", code],
            env=variables,
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
        )
        assert done.stderr.strip() == "none"
        assert "smollm2-135m-instruct *" in done.stdout


def test_a_shell_completes_names(home, tiny, ockit, tmp_path):
    ockit("models", "add", tiny("tango.gguf"), "--alias", "tiger")

    def complete(words):
        variables = {
            **os.environ,
            "OCKIT_HOME": str(home),
            "_OCKIT_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split(" ")) - 1),
        }
        command = [sys.executable, "-P", "-m", "ockit"]
        done = subprocess.run(
            command, env=variables, capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert done.stderr == ""
        return done.stdout.split()

    assert complete("ockit models show t") == ["tango", "tiger"]
    assert complete("ockit models default smol") == ["smollm2-135m-instruct", "smollm2"]
    (home / "data" / "models.json").write_text('{"schema_version": 99}')
    assert complete("ockit models show t") == []


def test_the_facts_are_kept_and_can_be_lost(ockit, home, tiny):
    ockit("models", "add", tiny())
    before = ockit("models", "list").out
    cache = home / "cache" / "model-facts.json"
    for content in (
        b"",
        b"[]",
        b"\xff",
        b'{"edition": 1, "files": []}',
        cache.read_bytes().replace(b'"name"', b'"nome"'),
    ):
        cache.write_bytes(content)
        assert ockit("models", "list").out == before
