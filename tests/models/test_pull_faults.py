"""Downloads that go wrong in every way a hub, a network or a disk can: what is kept, what is said, what comes next."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import resource
import signal
import ssl
import subprocess
import threading
import time
from collections import Counter
from shutil import which

import pytest

import tiny_models
from hub_server import FakeHub, Handler, Server, nobody, served
from ockit.errors import HubError, OckitError
from ockit.files import lock
from ockit.models.hub import Hub
from ockit.models.hub_download import BARREN_TRIES
from ockit.models.hub_files import wanted
from ockit.models.hub_pull import fetch, plan
from terminal import Terminal

REPO = "someone/tiny-GGUF"
NAME = "tiny-q8_0.gguf"


@pytest.fixture(scope="module")
def payload(tmp_path_factory):
    """A model of a few megabytes: several chunks."""
    path = tmp_path_factory.mktemp("payload") / NAME
    tiny_models.write_model(path, chat_template=tiny_models.CHATML, width=256, n_layers=3)
    return path.read_bytes()


@pytest.fixture
def hub(payload):
    assert len(payload) > 4 << 20
    with served(FakeHub({NAME: payload})) as hub:
        yield hub


@pytest.fixture
def folder(home):
    return home / "data" / "models" / "someone" / "tiny-GGUF"


@pytest.fixture
def client(hub):
    """The hub as ockit sees it; waits are noted and not waited."""
    waits = []
    made = dataclasses.replace(Hub.of({"HF_ENDPOINT": hub.endpoint}), pause=waits.append, body_timeout=2.0)
    return made, waits


@pytest.fixture
def pulled(client, registry, directories):
    """Pulls without a command line around it; what it was told is in ``pulled.told``."""

    def run(text=REPO):
        planned = plan(client[0], registry, directories, wanted(text))
        return fetch(client[0], registry, planned, lambda *row: run.told.append(row))

    run.told = []
    return run


def left(folder):
    """What lies in the folder."""
    return sorted(path.name for path in folder.iterdir())


def part(folder):
    (found,) = folder.glob("*.part")
    return found


def whole(folder, payload):
    assert left(folder) == [NAME]
    assert (folder / NAME).read_bytes() == payload


def once(action):
    """A `trickle` that does `action` for the first request and behaves from then on."""
    calls = []

    def trickle(handler, data):
        calls.append(1)
        if len(calls) == 1:
            action(handler, data)
        else:
            handler.whole(data)

    return trickle


@pytest.mark.parametrize("after", [0, 1, 1000, 3_000_000])
def test_a_connection_that_breaks_is_taken_up_where_it_was(hub, pulled, client, folder, payload, after):
    hub.trickle = once(lambda handler, data: handler.cut(data, after))
    assert pulled().outcome == "added"
    whole(folder, payload)
    ranges = [request.headers.get("range") for request in hub.bodies]
    assert ranges[0] is None
    assert ranges[1:] == [f"bytes={after}-" if after else None]
    assert len(client[1]) == 1


def test_a_connection_that_breaks_all_the_time(hub, pulled, folder, payload):
    """A hundred thousand bytes a request: slow, but it comes to its end."""
    hub.trickle = lambda handler, data: handler.cut(data, 100_000)
    assert pulled().outcome == "added"
    whole(folder, payload)
    assert len(hub.bodies) == -(-len(payload) // 100_000)


def test_a_connection_that_is_dead_is_given_up_and_resumed(hub, pulled, client, folder, payload):
    hub.trickle = lambda handler, data: handler.cut(
        data, 1_000_000 if not handler.headers.get("Range") else 0
    )
    with pytest.raises(HubError, match=r"the connection to .* broke") as caught:
        pulled()
    assert "goes on from there" in caught.value.hint
    assert part(folder).stat().st_size == 1_000_000
    assert client[1] == sorted(client[1])  # each wait is as long as the one before, or longer
    hub.trickle = lambda handler, data: handler.whole(data)
    hub.requests.clear()
    assert pulled().outcome == "added"
    assert [request.headers.get("range") for request in hub.bodies] == ["bytes=1000000-"]
    whole(folder, payload)


def test_a_hub_that_goes_silent(hub, pulled, folder, payload):
    """Half of the file, then nothing for longer than the time-out."""

    def silent(handler, data):
        handler.wfile.write(handler.head(data)[:2_000_000])
        handler.wfile.flush()
        time.sleep(4)

    hub.trickle = once(silent)
    begin = time.monotonic()
    assert pulled().outcome == "added"
    assert time.monotonic() - begin > 1.5
    whole(folder, payload)
    assert hub.bodies[1].headers["range"].startswith("bytes=")


def test_a_slow_drip_is_no_fault(hub, pulled, folder, payload):
    hub.trickle = lambda handler, data: handler.drip(data, len(data) // 20, 0.05)
    assert pulled().outcome == "added"
    assert len(hub.bodies) == 1
    whole(folder, payload)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("where", ["/api/", "/resolve/", "/storage/"])
def test_a_hub_in_trouble_is_asked_again(hub, pulled, client, folder, payload, status, where):
    failures = [status, status]
    hub.fault = lambda handler: (
        where in handler.path and bool(failures) and (handler.refuse(failures.pop()) or True)
    )
    assert pulled().outcome == "added"
    whole(folder, payload)
    assert len(client[1]) == 2


@pytest.mark.parametrize("where", ["/api/", "/storage/"])
def test_a_hub_that_wants_to_be_left_alone(hub, pulled, client, where):
    answers = ["7"]
    hub.fault = lambda handler: (
        where in handler.path and bool(answers) and (handler.refuse(429, Retry_After=answers.pop()) or True)
    )
    assert pulled().outcome == "added"
    assert client[1] == [7.0]
    hub.fault = lambda handler: where in handler.path and (handler.refuse(429, Retry_After="3600") or True)
    hub.files = {"other-q8_0.gguf": hub.files[NAME] + b"\0"}
    with pytest.raises(HubError, match="3600 s"):
        pulled()
    assert client[1] == [7.0]


def test_a_hub_that_stays_in_trouble(hub, pulled, folder):
    hub.fault = lambda handler: handler.refuse(503) or True
    with pytest.raises(HubError, match="is in trouble"):
        pulled()
    assert not folder.exists()


def test_ranges_that_are_ignored(hub, pulled, folder, payload):
    hub.trickle = once(lambda handler, data: handler.cut(data, 1_000_000))
    hub.ranges = False
    assert pulled().outcome == "added"
    whole(folder, payload)


def test_another_range_than_was_asked_for(hub, pulled, folder):
    def shifted(handler, data):
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes 5-{len(data) - 1}/{len(data)}")
        handler.send_header("Content-Length", str(len(data) - 5))
        handler.end_headers()
        handler.wfile.write(data[5:])

    hub.trickle = shifted
    with pytest.raises(HubError, match="another part"):
        pulled()
    assert left(folder) == []


@pytest.mark.parametrize("change", ["a byte", "the end", "everything"])
def test_another_content_than_was_promised(hub, pulled, folder, payload, change):
    wrong = {
        "a byte": payload[:-1] + bytes([payload[-1] ^ 1]),
        "the end": payload[:-100_000] + bytes(100_000),
        "everything": b"<html>" + bytes(len(payload) - 6),
    }[change]
    hub.trickle = lambda handler, data: handler.whole(wrong)
    with pytest.raises(HubError, match="not the file that was promised"):
        pulled()
    assert left(folder) == []
    hub.trickle = lambda handler, data: handler.whole(data)
    assert pulled().outcome == "added"


@pytest.mark.parametrize("by", [-1, -1000, 1, 1000])
def test_another_length_than_was_promised(hub, pulled, folder, payload, by):
    hub.trickle = lambda handler, data: handler.whole(data[:by] if by < 0 else data + bytes(by))
    with pytest.raises(HubError, match=r"lists .* and sends"):
        pulled()
    assert NAME not in left(folder)


@pytest.mark.parametrize("said", ["nothing", "a length"])
def test_a_body_without_an_end(hub, pulled, folder, payload, said):
    """The server sends more than it may, for as long as it is listened to."""

    def endless(handler, data):
        handler.send_response(200)
        handler.close_connection = True
        if said == "a length":
            handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        block = bytes(1 << 16)
        framed = block if said == "nothing" else b"10000\r\n" + block + b"\r\n"
        try:
            while True:
                handler.wfile.write(framed)
        except OSError:
            return

    hub.trickle = endless
    with pytest.raises(HubError, match="sends more than"):
        pulled()
    assert left(folder) == []


def test_a_listing_without_an_end(hub, pulled):
    def endless(handler):
        handler.send_response(200)
        handler.close_connection = True
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b" " * 65536)
        except OSError:
            return True

    hub.fault = endless
    with pytest.raises(HubError, match="no end"):
        pulled()


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"null", b"5", b"<html>log in</html>", b"\xff\xfe", b'{"siblings": 5}', b'{"siblings": [5]}',
     b'{"siblings": null}', b"[" * 100_000],
)  # fmt: skip
def test_a_listing_that_makes_no_sense(hub, pulled, text):
    hub.fault = lambda handler: handler.plain(text) or True
    with pytest.raises(HubError, match="cannot be understood") as caught:
        pulled()
    assert "HF_ENDPOINT" in caught.value.hint


@pytest.mark.parametrize(
    "row",
    [{}, {"rfilename": 5}, {"rfilename": "a.gguf", "size": -1}, {"rfilename": "a.gguf", "size": True, "lfs": 5},
     {"rfilename": "a.gguf", "lfs": {"sha256": "zz", "size": "many"}}],
)  # fmt: skip
def test_a_listing_with_a_strange_row(hub, pulled, row):
    hub.listed = lambda said: {**said, "sha": 7, "siblings": [*said["siblings"], row]}
    assert pulled(f"{REPO}:{NAME}").outcome == "added"


def test_too_many_redirects(hub, pulled):
    def around(handler):
        handler.send_response(302)
        handler.send_header("Location", handler.path)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return True

    hub.fault = around
    with pytest.raises(HubError, match="redirect"):
        pulled()


@pytest.mark.parametrize(
    "location", ["ftp://elsewhere/file", "//", "file:///etc/passwd", "mailto:x", "\x7f", "", "the same"]
)
def test_a_redirect_to_nowhere_is_said_at_once(hub, pulled, client, folder, location):
    """A further try would meet it again: there is none, and no promise that the same command goes on."""

    def nowhere(handler):
        if "/resolve/" not in handler.path:
            return False
        handler.send_response(302)
        handler.send_header("Location", handler.path if location == "the same" else location)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return True

    hub.fault = nowhere
    with pytest.raises(HubError, match=r"the answer of .* cannot be used") as caught:
        pulled()
    assert caught.value.where == f"{hub.endpoint}/{REPO}"
    assert "HF_ENDPOINT" in caught.value.hint
    assert client[1] == []
    assert left(folder) == []


@pytest.mark.parametrize("location", ["http://[", "http://", None])
def test_a_redirect_to_a_host_that_is_not_there_may_pass(hub, pulled, client, folder, location):
    location = nobody() if location is None else location

    def away(handler):
        if "/resolve/" not in handler.path:
            return False
        handler.send_response(302)
        handler.send_header("Location", location)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return True

    hub.fault = away
    with pytest.raises(HubError, match="cannot reach") as caught:
        pulled()
    assert len(client[1]) == BARREN_TRIES - 1
    assert "ockit models add FILE" in caught.value.hint
    assert left(folder) == []


@pytest.mark.skipif(which("openssl") is None, reason="openssl makes the certificate")
def test_a_host_whose_certificate_nobody_vouches_for_is_asked_once(hub, pulled, client, folder, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with Server(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        hub.storage = f"https://127.0.0.1:{server.server_address[1]}"
        try:
            with pytest.raises(HubError, match=r"cannot reach .*CERTIFICATE_VERIFY_FAILED"):
                pulled()
        finally:
            server.shutdown()
    assert client[1] == []
    assert left(folder) == []


def test_a_failure_before_the_first_byte_leaves_nothing_and_promises_nothing(hub, pulled, folder):
    hub.fault = lambda handler: "/storage/" in handler.path and (handler.refuse(503) or True)
    with pytest.raises(HubError, match="is in trouble") as caught:
        pulled()
    assert "are here" not in caught.value.what
    assert "goes on from there" not in caught.value.hint
    assert caught.value.where is None
    assert left(folder) == []


@pytest.mark.parametrize("what", ["no GGUF file", "cut short", "an embedding model"])
def test_a_file_that_is_what_the_hub_has_and_no_model(hub, pulled, folder, payload, tmp_path, what):
    embedding = {"general.architecture": ("bert", tiny_models.GGUFValueType.STRING)}
    hub.files[NAME] = {
        "no GGUF file": b"PK\3\4" + bytes(100_000),
        "cut short": payload[:-5000],
        "an embedding model": tiny_models.write_model(tmp_path / "e.gguf", extra=embedding).read_bytes()
        if what == "an embedding model"
        else b"",
    }[what]
    with pytest.raises(OckitError):
        pulled()
    assert left(folder) == []


def test_a_part_of_an_older_content_is_forgotten(hub, pulled, folder, payload, tmp_path):
    hub.trickle = lambda handler, data: handler.cut(
        data, 1_000_000 if not handler.headers.get("Range") else 0
    )
    with pytest.raises(HubError):
        pulled()
    old = part(folder)
    new = tiny_models.write_model(tmp_path / "new.gguf", chat_template=tiny_models.CHATML, seed=3)
    hub.files[NAME] = new.read_bytes()
    hub.trickle = lambda handler, data: handler.whole(data)
    hub.requests.clear()
    assert pulled().outcome == "added"
    assert not old.exists()
    assert "range" not in hub.bodies[0].headers
    whole(folder, new.read_bytes())


@pytest.mark.parametrize("damage", ["longer", "other bytes", "all of it"])
def test_a_part_that_is_not_what_it_should_be(hub, pulled, folder, payload, damage):
    hub.trickle = lambda handler, data: handler.cut(
        data, 1_000_000 if not handler.headers.get("Range") else 0
    )
    with pytest.raises(HubError):
        pulled()
    hub.trickle = lambda handler, data: handler.whole(data)
    broken = {"longer": payload + b"!", "other bytes": bytes(1_000_000), "all of it": bytes(len(payload))}[
        damage
    ]
    part(folder).write_bytes(broken)
    if damage != "longer":
        with pytest.raises(HubError, match="not the file that was promised"):
            pulled()
        assert left(folder) == []
    assert pulled().outcome == "added"
    whole(folder, payload)


def test_a_disk_without_room(hub, pulled, folder):
    hub.listed = lambda said: {
        **said, "siblings": [{"rfilename": NAME, "lfs": {"size": 1 << 60, "sha256": "0" * 64}}]
    }  # fmt: skip
    with pytest.raises(OckitError, match="are free"):
        pulled()
    assert hub.bodies == []


def test_a_disk_that_fills(run_ockit, hub, ockit_home, payload):
    """The file may grow by so much and no more: an error that says so, what came is kept, the rest follows."""
    limit = 1_500_000
    done = subprocess.run(
        [*run_ockit.command(), "models", "pull", REPO],
        env=run_ockit.variables({"HF_ENDPOINT": hub.endpoint}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        check=False,
        timeout=60,
    )
    err = done.stderr.decode()
    assert (done.returncode, err.count("error: "), "Traceback" in err) == (1, 1, False), err
    assert "larger than files may be" in err
    folder = ockit_home / "data" / "models" / "someone" / "tiny-GGUF"
    assert part(folder).stat().st_size == limit
    assert run_ockit("models", "pull", REPO, env={"HF_ENDPOINT": hub.endpoint}).code == 0
    assert hub.bodies[-1].headers["range"] == f"bytes={limit}-"
    whole(folder, payload)


def test_two_at_once(hub, pulled, folder, payload):
    """The second says so, and the first is not disturbed."""
    started = threading.Event()

    def slow(handler, data):
        started.set()
        handler.drip(data, len(data) // 20, 0.1)

    hub.trickle = slow
    outcome = []
    first = threading.Thread(target=lambda: outcome.append(pulled().outcome))
    first.start()
    assert started.wait(10)
    with pytest.raises(OckitError, match=f"another ockit is fetching {NAME} now"):
        pulled()
    first.join(30)
    assert outcome == ["added"]
    whole(folder, payload)
    assert len(hub.bodies) == 1
    (guard,) = folder.parents[1].glob(".locks/*")
    with lock(guard, timeout=0), pytest.raises(OckitError, match="another ockit is fetching"):
        pulled()


def test_the_hub_goes_away_in_the_middle(hub, pulled, client, folder):
    """Nothing answers any more: what came is kept, and how to fetch the rest by hand is said."""
    gone = nobody()

    def leave(handler, data):
        handler.cut(data, 1_000_000)
        hub.storage = gone

    hub.trickle = leave
    with pytest.raises(HubError, match="cannot reach") as caught:
        pulled()
    assert f"/{REPO}/resolve/{hub.commit}/{NAME}" in caught.value.hint
    assert part(folder).stat().st_size == 1_000_000


def interrupted(process, signum):
    process.send_signal(signum)
    _, err = process.communicate(timeout=20)
    return process.returncode, err.decode()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_what_is_here(run_ockit, hub, ockit_home, payload, signum):
    hub.trickle = lambda handler, data: handler.drip(data, len(data) // 100, 0.05)
    process = subprocess.Popen(
        [*run_ockit.command(), "models", "pull", REPO],
        env=run_ockit.variables({"HF_ENDPOINT": hub.endpoint}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    folder = ockit_home / "data" / "models" / "someone" / "tiny-GGUF"
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not any(path.stat().st_size for path in folder.glob("*.part")):
        time.sleep(0.02)
    code, err = interrupted(process, signum)
    assert code == (130 if signum == signal.SIGINT else -signal.SIGTERM)
    assert "Traceback" not in err
    if signum == signal.SIGINT:
        assert "the same command goes on from there" in err
    kept = part(folder).stat().st_size
    assert 0 < kept < len(payload)
    hub.trickle = lambda handler, data: handler.whole(data)
    assert run_ockit("models", "pull", REPO, env={"HF_ENDPOINT": hub.endpoint}).code == 0
    assert hub.bodies[-1].headers["range"] == f"bytes={kept}-"
    whole(folder, payload)


def kill_often(run_ockit, hub, ockit_home, payload, count, seed):
    """Kill a pull at any moment, over and over, until it is done; the final name never holds a part of the file."""
    folder = ockit_home / "data" / "models" / "someone" / "tiny-GGUF"
    hub.trickle = lambda handler, data: handler.drip(data, len(data) // 60, 0.01)
    chance, kept, seen = random.Random(seed), 0, Counter()
    for _ in range(count):
        process = subprocess.Popen(
            [*run_ockit.command(), "models", "pull", REPO],
            env=run_ockit.variables({"HF_ENDPOINT": hub.endpoint}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        time.sleep(chance.uniform(0.0, 1.6))
        _, err = interrupted(process, signal.SIGKILL)
        assert "Traceback" not in err
        assert "error" not in err
        if (folder / NAME).exists():
            whole(folder, payload)
            for path in folder.glob(NAME):
                os.unlink(path)
            kept = 0
            seen["whole"] += 1
        elif folder.exists() and list(folder.glob("*.part")):
            assert part(folder).stat().st_size >= kept
            seen["a part" if part(folder).stat().st_size > kept else "no more than before"] += 1
            kept = part(folder).stat().st_size
        else:
            seen["nothing yet"] += 1
    hub.trickle = lambda handler, data: handler.whole(data)
    ran = run_ockit("models", "pull", REPO, env={"HF_ENDPOINT": hub.endpoint})
    assert ran.code == 0, ran
    whole(folder, payload)
    listed = json.loads(run_ockit("models", "list", "--json").stdout)["models"]
    assert [row["name"] for row in listed][1:] == ["tiny-q8_0"]
    return seen


def test_kills(run_ockit, hub, ockit_home, payload):
    kill_often(run_ockit, hub, ockit_home, payload, 6, seed=1)


@pytest.mark.sweep
def test_many_kills(run_ockit, hub, ockit_home, payload):
    seen = kill_often(run_ockit, hub, ockit_home, payload, 100, seed=2)
    print(f"kills by what was there: {dict(seen)}")  # noqa: T201 - a figure of docs/reliability.md


def test_progress_without_a_terminal(run_ockit, hub, payload):
    hub.trickle = lambda handler, data: handler.drip(data, len(data) // 50, 0.01)
    ran = run_ockit("models", "pull", REPO, env={"HF_ENDPOINT": hub.endpoint})
    assert (ran.code, ran.stdout) == (0, "")
    lines = [line for line in ran.stderr.splitlines() if " % of " in line]
    assert 5 <= len(lines) <= 10
    assert lines[-1].startswith(f"{NAME}: 100 % of")
    assert "\r" not in ran.stderr


def test_progress_on_a_terminal(run_ockit, hub, payload):
    hub.trickle = lambda handler, data: handler.drip(data, len(data) // 100, 0.02)
    command = [*run_ockit.command(), "models", "pull", REPO]
    terminal = Terminal(
        command, run_ockit.variables({"HF_ENDPOINT": hub.endpoint, "TERM": "xterm"}), run_ockit.cwd
    )
    terminal.wait_for(rb"\d+ % of [\d.]+ MiB, [\d.]+ MB/s, \d+:\d\d left")
    terminal.wait_for("added as tiny-q8_0; talk to it: ockit chat -m tiny-q8_0")
    assert " % of " not in terminal.screen
