"""`ockit models pull` against a hub on this machine: what it fetches, how it is named, what it refuses."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess

import pytest
from gguf import GGUFValueType as T

import tiny_models
from hub_server import FakeHub, nobody, served
from ockit.models.figures import size_text
from ockit.models.hub import Hub

TOKEN = "hf_abcdefghijklmnopqrstuvwxyz"
REPO = "someone/tiny-GGUF"


@pytest.fixture
def hub(tiny_source):
    with served(FakeHub({"tiny-chat-q4_k_m.gguf": tiny_source.read_bytes()})) as hub:
        yield hub


@pytest.fixture
def pull(ockit, hub):
    def run(*argv, **variables):
        return ockit("models", "pull", *argv, **{"HF_ENDPOINT": hub.endpoint, **variables})

    return run


def place(home, *below):
    return home.joinpath("data", "models", "someone", "tiny-GGUF", *below)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_only_model_is_fetched_checked_and_named(pull, ockit, hub, home, tiny_source):
    ran = pull(REPO, "--alias", "t")
    assert ran.code == 0, ran
    assert ran.out == ""
    assert "added as tiny-chat-q4_k_m; talk to it: ockit chat -m tiny-chat-q4_k_m" in ran.err
    path = place(home, "tiny-chat-q4_k_m.gguf")
    assert path.read_bytes() == tiny_source.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert names(path.parent) == [path.name]
    card = ockit("models", "show", "t", "--json", "--verify").json["model"]
    assert (card["name"], card["path"], card["verified"]) == ("tiny-chat-q4_k_m", str(path), True)


def test_json(pull, hub):
    said = pull(REPO, "--name", "small", "--json").json
    assert (said["schema_version"], said["outcome"], said["name"]) == (1, "added", "small")
    assert (said["license"], said["revision"]) == ("apache-2.0", hub.commit)
    assert said["model"]["sha256"] == hashlib.sha256(hub.files["tiny-chat-q4_k_m.gguf"]).hexdigest()


def test_what_is_here_is_not_fetched_again(pull, hub):
    assert pull(REPO).code == 0
    fetched = len(hub.bodies)
    ran = pull(REPO)
    assert (ran.code, len(hub.bodies)) == (0, fetched)
    assert "already here as tiny-chat-q4_k_m" in ran.err


def test_a_file_that_changed_on_the_hub_is_fetched_anew(pull, ockit, hub, home, tmp_path):
    assert pull(REPO).code == 0
    other = tiny_models.write_model(tmp_path / "other.gguf", chat_template=tiny_models.CHATML, seed=7)
    hub.files["tiny-chat-q4_k_m.gguf"] = other.read_bytes()
    ran = pull(REPO)
    assert (ran.code, "here anew as tiny-chat-q4_k_m" in ran.err) == (0, True)
    assert place(home, "tiny-chat-q4_k_m.gguf").read_bytes() == other.read_bytes()
    assert ockit("models", "show", "tiny-chat-q4_k_m", "--verify").code == 0


@pytest.mark.parametrize("spelling", ["Q8_0", "q8_0", "sub/b-Q8_0.gguf", "B-q8_0.GGUF"])
def test_a_file_by_its_name_or_quantization(pull, hub, home, spelling):
    hub.files["sub/b-Q8_0.gguf"] = hub.files["tiny-chat-q4_k_m.gguf"]
    assert pull(f"{REPO}:{spelling}").code == 0
    assert names(place(home)) == ["sub"]
    assert names(place(home, "sub")) == ["b-Q8_0.gguf"]


@pytest.mark.parametrize(
    "address", ["{}", "{}/blob/main/b-Q8_0.gguf", "{}/resolve/main/b-Q8_0.gguf?download=true"]
)
def test_the_address_of_a_page(pull, hub, home, address):
    hub.files = {"b-Q8_0.gguf": hub.files["tiny-chat-q4_k_m.gguf"]}
    assert pull(address.format(f"https://huggingface.co/{REPO}")).code == 0
    assert names(place(home)) == ["b-Q8_0.gguf"]


def test_several_models_are_listed_and_none_is_fetched(pull, hub, home):
    data = hub.files["tiny-chat-q4_k_m.gguf"]
    hub.files |= {"m-Q8_0.gguf": data, "m-f16.gguf": data, "mmproj-m-f16.gguf": data, "imatrix.gguf": data}
    hub.listed = lambda said: {
        **said,
        "siblings": [
            {**row, "lfs": {**row["lfs"], "size": 1 << 50}} if row["rfilename"] == "m-f16.gguf" else row
            for row in said["siblings"]
        ],
    }
    ran = pull(REPO)
    assert (ran.code, ran.out, hub.bodies) == (2, "", [])
    rows = [line.split() for line in ran.err.splitlines() if line.count(".gguf")]
    assert [row[0] for row in rows] == ["m-Q8_0.gguf", "tiny-chat-q4_k_m.gguf", "m-f16.gguf"]
    assert rows[0][-2:] == ["Q8_0", "fits"]
    assert rows[2][1:] == ["1024.0", "TiB", "F16", "does", "not", "fit"]
    assert f"try: ockit models pull {REPO}:Q4_K_M" in ran.err
    assert pull(f"{REPO}:Q4_K_M").code == 0


def test_all_parts_of_a_split_model(pull, ockit, hub, home, tmp_path):
    parts = [tmp_path / f"tiny-{number:05d}-of-00003.gguf" for number in (1, 2, 3)]
    for number, path in enumerate(parts):
        extra = {"split.no": (number, T.UINT16), "split.count": (3, T.UINT16)}
        tiny_models.write_model(path, extra=extra, seed=number)
    hub.files = {f"Q4_K_M/{path.name}": path.read_bytes() for path in parts}
    ran = pull(f"{REPO}:q4_k_m")
    assert ran.code == 0, ran
    assert names(place(home, "Q4_K_M")) == [path.name for path in parts]
    hub.requests.clear()
    place(home, "Q4_K_M", parts[1].name).unlink()
    assert pull(f"{REPO}:{parts[2].name}").code == 0
    assert [request.path.partition("?")[0] for request in hub.bodies] == [f"/storage/Q4_K_M/{parts[1].name}"]
    assert ockit("models", "show", "tiny", "--verify").code == 0


def test_a_split_model_that_lacks_a_part_is_none(pull, hub):
    data = hub.files["tiny-chat-q4_k_m.gguf"]
    hub.files = {"a-00001-of-00002.gguf": data, "b-00003-of-00002.gguf": data, "c-00001-of-99999.gguf": data}
    ran = pull(REPO)
    assert (ran.code, "no whole GGUF model" in ran.err) == (3, True)


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("nothing", 2, "names no repository"),
        ("a/b/c", 2, "names no repository"),
        ("a/..", 2, "names no repository"),
        ("a/b:", 2, "names no repository"),
        ("someone/else", 3, "there is no repository someone/else"),
        (f"{REPO}:Q4_K_S", 3, "near: Q4_K_M"),
        (f"{REPO}:../../etc/passwd", 3, "no GGUF model"),
        ("\x1b[31m/\u202e", 2, "names no repository"),
    ],
)
def test_what_is_not_there(pull, hub, text, code, said):
    ran = pull(text)
    assert ran.code == code, ran
    assert said in ran.err
    assert "  try: " in ran.err
    assert not set(ran.err) & set("\x1b\u202e")
    assert hub.bodies == []


def test_a_revision(pull, hub):
    assert pull(REPO, "--revision", hub.commit).code == 0
    ran = pull(REPO, "--revision", "v9")
    assert (ran.code, "no revision 'v9'" in ran.err) == (3, True)


@pytest.mark.parametrize(
    "path", ["../../evil.gguf", "/evil.gguf", "a/../../evil.gguf", ".evil.gguf", "a\\b.gguf", "a\x1bb.gguf"]
)
def test_a_hub_cannot_choose_the_place(pull, hub, home, path):
    hub.files = {path: hub.files["tiny-chat-q4_k_m.gguf"]}
    ran = pull(REPO)
    assert ran.code == 3, ran
    assert not list(home.rglob("*evil*"))


def test_a_name_that_is_taken_is_refused_before_anything_is_fetched(pull, ockit, tiny, hub):
    ockit("models", "add", tiny("tiny-chat-q4_k_m.gguf"), "--alias", "mine")
    for argv in ((), ("--name", "mine"), ("--name", "good", "--alias", "smollm2")):
        ran = pull(REPO, *argv)
        assert (ran.code, "is taken" in ran.err, hub.bodies) == (2, True, []), ran
    assert pull(REPO, "--name", "other").code == 0


@pytest.mark.parametrize("option", [("--name", "a b"), ("--alias", "x.gguf"), ("--sha256", "12")])
def test_bad_options(pull, hub, option):
    ran = pull(REPO, *option)
    assert (ran.code, hub.bodies) == (2, [])


def test_a_digest_of_ones_own(pull, hub):
    digest = hashlib.sha256(hub.files["tiny-chat-q4_k_m.gguf"]).hexdigest()
    ran = pull(REPO, "--sha256", "0" * 64)
    assert (ran.code, digest in ran.err, hub.bodies) == (2, True, [])
    assert pull(REPO, "--sha256", digest.upper()).code == 0


def test_a_hub_without_digests(pull, hub, home):
    hub.listed = lambda said: {
        **said,
        "siblings": [{key: value for key, value in row.items() if key != "lfs"} for row in said["siblings"]],
    }
    ran = pull(REPO, "--sha256", "0" * 64)
    assert (ran.code, "is not the file that was promised" in ran.err) == (1, True)
    assert names(place(home)) == []
    ran = pull(REPO)
    assert (ran.code, "gives no sha256" in ran.err) == (0, True)


def test_the_token_goes_to_the_hub_and_nowhere_else(pull, hub, tmp_path):
    assert pull(REPO, HF_TOKEN=TOKEN).code == 0
    assert hub.endpoint != hub.storage
    to_hub = [request for request in hub.requests if not request.is_body]
    assert len(to_hub) == 2
    assert {request.headers.get("authorization") for request in to_hub} == {f"Bearer {TOKEN}"}
    assert len(hub.bodies) == 1
    assert "authorization" not in hub.bodies[0].headers
    assert "cookie" not in hub.bodies[0].headers


def test_the_token_of_a_file(pull, hub, tmp_path):
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    assert pull(REPO, HF_TOKEN_PATH=str(tmp_path / "token")).code == 0
    assert hub.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
    hub.requests.clear()
    pull(REPO, HF_TOKEN_PATH=str(tmp_path / "token"), HF_HUB_DISABLE_IMPLICIT_TOKEN="1")
    assert "authorization" not in hub.requests[0].headers


def test_what_is_told_to_the_hub(pull, hub):
    """ockit's version and nothing of the machine."""
    pull(REPO)
    for request in hub.requests:
        assert re.fullmatch(r"ockit/[\w.]+", request.headers["user-agent"])


@pytest.mark.parametrize("status", [401, 403])
def test_a_gated_repository(pull, hub, status):
    hub.fault = lambda handler: "/resolve/" in handler.path and (handler.refuse(status, "GatedRepo") or True)
    ran = pull(REPO, HF_TOKEN=TOKEN)
    assert ran.code == 1
    assert "is gated" in ran.err
    assert f"{hub.endpoint}/{REPO}" in ran.err
    assert TOKEN not in ran.err


def test_a_token_that_is_not_accepted(pull, hub):
    hub.fault = lambda handler: handler.refuse(401, X_Error_Message="Invalid credentials") or True
    ran = pull(REPO, HF_TOKEN=TOKEN)
    assert (ran.code, "does not accept the token" in ran.err, TOKEN in ran.err) == (1, True, False)


def test_a_file_that_is_listed_and_not_there(pull, hub):
    hub.fault = lambda handler: "/resolve/" in handler.path and (handler.refuse(404, "EntryNotFound") or True)
    ran = pull(REPO)
    assert (ran.code, "has no file 'tiny-chat-q4_k_m.gguf'" in ran.err) == (3, True)


@pytest.mark.parametrize("variables", [{"HF_HUB_OFFLINE": "1"}, {"TRANSFORMERS_OFFLINE": "yes"}])
def test_offline_by_choice(pull, hub, variables):
    ran = pull(REPO, **variables)
    assert (ran.code, hub.requests) == (1, [])
    assert f"unset {next(iter(variables))}" in ran.err
    assert "ockit models add FILE" in ran.err


def test_offline(pull):
    endpoint = nobody()
    ran = pull(REPO, HF_ENDPOINT=endpoint)
    assert (ran.code, ran.out) == (1, "")
    assert f"cannot reach {endpoint.removeprefix('http://')}" in ran.err
    assert f"{endpoint}/{REPO}/tree/main" in ran.err
    assert "ockit models add FILE" in ran.err


def test_offline_with_a_file_that_is_named(pull):
    endpoint = nobody()
    ran = pull(f"{REPO}:b-Q8_0.gguf", "--revision", "v1", HF_ENDPOINT=endpoint)
    assert f"{endpoint}/{REPO}/resolve/v1/b-Q8_0.gguf" in ran.err


@pytest.mark.parametrize(
    "endpoint",
    ["nonsense", "ftp://x", "http://", "http://a b", "http://a:99999", "http://a..b", "file:///etc"],
)
def test_no_address(pull, endpoint):
    ran = pull(REPO, HF_ENDPOINT=endpoint)
    assert (ran.code, "HF_ENDPOINT" in ran.err) == (2, True)


SECRET = "pa55"


@pytest.mark.parametrize(
    "endpoint",
    [f"ftp://u:{SECRET}@x", f"u:{SECRET}@x", f"http://u:{SECRET}@a b", f"http://u:{SECRET}/b@x",
     f"http://u:1/{SECRET}@x", f"http://u:1?{SECRET}@x", f"http://u:1#{SECRET}@x", f"http://u@{SECRET}@x:0"],
)  # fmt: skip
def test_no_address_with_a_password_in_it(pull, endpoint):
    ran = pull(REPO, HF_ENDPOINT=endpoint)
    assert (ran.code, "HF_ENDPOINT is '" in ran.err) == (2, True)
    assert "@" in ran.err
    assert SECRET not in ran.err + ran.out


def told(text):
    return text.replace("//", f"//me:{SECRET}%40@")


def test_a_password_is_sent_to_the_hub_and_to_nobody_else(pull, hub, home):
    ran = pull(REPO, "--json", HF_ENDPOINT=told(hub.endpoint), HF_TOKEN=TOKEN)
    assert ran.code == 0, ran
    sent = "Basic " + base64.b64encode(f"me:{SECRET}@".encode()).decode()
    assert {row.headers.get("authorization") for row in hub.requests if not row.is_body} == {sent}
    assert "authorization" not in hub.bodies[0].headers
    assert SECRET not in ran.out + ran.err
    assert not [path for path in home.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("what", "argv"),
    [("gone", ()), ("offline", ()), ("gated", ()), ("refused", ()), ("no list", ()), ("a loop", ()),
     ("trouble", ("--revision", "v9")), ("none", (":Q2_K",)), ("no sense", ())],
)  # fmt: skip
def test_a_password_in_the_address_is_never_shown(pull, hub, what, argv):
    def around(handler):
        handler.send_response(302)
        handler.send_header("Location", handler.path)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    faults = {
        "gated": lambda handler: handler.refuse(403, "GatedRepo"),
        "refused": lambda handler: handler.refuse(401),
        "no list": lambda handler: handler.refuse(404, "RevisionNotFound"),
        "no sense": lambda handler: handler.plain(b"<html>"),
        "a loop": around,
    }
    if what in faults:
        hub.fault = lambda handler: faults[what](handler) or True
    endpoint = nobody() if what == "gone" else hub.endpoint
    offline = {"HF_HUB_OFFLINE": "1"} if what == "offline" else {}
    repo = REPO + (argv[0] if what == "none" else "")
    ran = pull(repo, *(argv if what != "none" else ()), HF_ENDPOINT=told(endpoint), **offline)
    assert ran.code in (1, 3), ran
    assert "me:" not in ran.err
    assert SECRET not in ran.err + ran.out


def test_the_password_is_not_in_what_python_prints_of_a_hub():
    hub = Hub.of({"HF_ENDPOINT": told("https://hub.example/sub/"), "HF_TOKEN": TOKEN})
    assert (hub.endpoint, hub.login) == ("https://hub.example/sub", f"me:{SECRET}@")
    assert hub.page("a/b") == "https://hub.example/sub/a/b"
    for secret in (SECRET, TOKEN):
        assert secret not in repr(hub)


def test_rm_says_where_a_fetched_file_stays_and_what_it_takes(pull, ockit, home, tiny, tmp_path):
    assert pull(REPO, "--name", "small").code == 0
    path = place(home, "tiny-chat-q4_k_m.gguf")
    ran = ockit("models", "rm", "small")
    size = size_text(path.stat().st_size)
    assert ran.code == 0
    assert f"forgot small; its file stays: {path} ({size})" in ran.err
    assert f"to delete what stays: rm {path}" in ran.err
    assert path.is_file()
    assert pull(REPO, "--name", "small").code == 0
    path.unlink()
    ran = ockit("models", "rm", "small")
    assert (ran.code, f"forgot small; {path}: no such file" in ran.err, "rm " in ran.err) == (0, True, False)
    ockit("models", "add", tiny("own.gguf"))
    ran = ockit("models", "rm", "own")
    assert f"its file stays: {tmp_path / 'own.gguf'} (" in ran.err
    assert "delete" not in ran.err


def test_rm_names_all_parts_of_a_fetched_model(pull, ockit, hub, home, tmp_path):
    hub.files = {}
    for number in (1, 2):
        extra = {"split.no": (number - 1, T.UINT16), "split.count": (2, T.UINT16)}
        path = tiny_models.write_model(
            tmp_path / f"t iny-{number:05d}-of-00002.gguf", extra=extra, seed=number
        )
        hub.files[path.name] = path.read_bytes()
    assert pull(REPO, "--name", "split").code == 0
    ran = ockit("models", "rm", "split")
    assert "its 2 files stay" in ran.err
    assert size_text(sum(map(len, hub.files.values()))) in ran.err
    line = ran.err.partition("to delete what stays: ")[2].splitlines()[0]
    subprocess.run(["sh", "-c", line], check=True)
    assert names(place(home)) == []


@pytest.mark.parametrize("token", ["hf_\u00e4", "two words", "new\nline"])
def test_no_token(pull, hub, token):
    ran = pull(REPO, HF_TOKEN=token)
    assert (ran.code, token in ran.err, hub.requests) == (2, False, [])
