"""The whole command, run for real: exit codes, messages, streams, completion, and nothing that is not ours to read."""

from __future__ import annotations

import io
import json
import os
import subprocess
from pathlib import Path

import pytest

from ground.hostile import HOSTILE, unsafe
from ockit import app
from ockit.environment import Environment
from ockit.errors import ExitCode
from ockit.version import __version__


def in_process(*argv, home, variables=None):
    """A run in this very process, for faults that only a test can cause."""
    out, err = io.StringIO(), io.StringIO()
    environment = Environment(
        io.BytesIO(), out, err, {"OCKIT_HOME": str(home), **(variables or {})}, Path("/")
    )
    return app.run(list(argv), environment), out.getvalue(), err.getvalue()


def test_version_and_help(run_ockit):
    for module in (False, True):
        assert run_ockit("--version", module=module) == (0, f"ockit {__version__}\n", "")
    code, stdout, stderr = run_ockit("--help")
    assert (code, stderr) == (0, "")
    assert all(f"  {name} " in stdout for name in app.COMMANDS)
    assert run_ockit("-h").stdout == stdout


@pytest.mark.parametrize("name", app.COMMANDS)
def test_the_help_says_of_a_command_what_the_command_says(name):
    assert app._load(name).get_short_help_str(1000) == app.COMMANDS[name]


@pytest.mark.parametrize("name", app.COMMANDS)
def test_every_command_has_help(run_ockit, name):
    code, stdout, stderr = run_ockit(name, "--help")
    assert (code, stderr) == (0, "")
    assert stdout.startswith(f"Usage: ockit {name}")


def test_alone_without_a_terminal(run_ockit):
    code, stdout, stderr = run_ockit()
    assert (code, stdout) == (2, "")
    assert stderr.startswith("Usage: ockit")


def test_alone_on_a_terminal_is_chat(run_ockit):
    import pexpect

    child = pexpect.spawn(run_ockit.command()[0], env=run_ockit.variables(), cwd=run_ockit.cwd, timeout=60)
    child.expect_exact("> ")
    child.send("/exit\r")  # a line end alone is Ctrl-J, which begins another line
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


@pytest.mark.parametrize(
    ("args", "what", "hint"),
    [
        (["modles"], "there is no command 'modles'", "ockit models"),
        (["xyzzy"], "there is no command 'xyzzy'", "ockit --help lists the commands"),
        (["--versoin"], "no such option: --versoin", "ockit --version"),
        (["config", "shw"], "no such command 'shw'", "ockit config show"),
        (["dirs", "--jsn"], "no such option: --jsn", "ockit dirs --json"),
        (["config", "set"], "missing argument 'KEY'", "ockit config set --help"),
        (["dirs", "extra"], "got unexpected extra argument(s) (extra)", "ockit dirs --help"),
        (["config", "set", "top_k", "x"], 'top_k is "x", but must be a whole number between 0 and 1000000',
         "ockit config show explains top_k"),
    ],
)  # fmt: skip
def test_usage_errors(run_ockit, args, what, hint):
    assert run_ockit(*args) == (2, "", f"error: {what}\n  try: {hint}\n")


def test_a_group_without_a_verb_shows_its_help(run_ockit):
    code, stdout, stderr = run_ockit("config")
    assert (code, stdout) == (2, "")
    assert stderr.startswith("Usage: ockit config")


def test_a_bug_is_one_message_and_a_file(monkeypatch, tmp_path):
    monkeypatch.setattr(app, "import_module", lambda name: 1 / 0)
    code, stdout, stderr = in_process("dirs", home=tmp_path)
    (file,) = (tmp_path / "state" / "crashes").iterdir()
    assert (code, stdout) == (1, "")
    assert stderr.splitlines() == [
        "error: internal error: ZeroDivisionError: division by zero, please report",
        f"   at: {file}",
        "  try: add that file to the report; OCKIT_DEBUG=1 shows it at once",
    ]
    assert file.read_text().startswith(f"ockit {__version__}\nTraceback")
    assert file.stat().st_mode & 0o077 == 0
    _, _, debugged = in_process("dirs", home=tmp_path, variables={"OCKIT_DEBUG": "1"})
    assert debugged.startswith("Traceback")


def test_a_bug_where_nothing_can_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(app, "import_module", lambda name: 1 / 0)
    code, stdout, stderr = in_process("dirs", home=tmp_path / "file")
    assert (code, stdout) == (1, "")
    assert "could not be saved" in stderr
    assert "Traceback" not in stderr


def test_an_interrupt(monkeypatch, tmp_path):
    def interrupt(name):
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "import_module", interrupt)
    assert in_process("dirs", home=tmp_path) == (ExitCode.INTERRUPTED, "", "")


def test_an_error_can_be_traced(run_ockit):
    code, stdout, stderr = run_ockit("config", "set", "nope", "1", env={"OCKIT_DEBUG": "1"})
    assert (code, stdout) == (2, "")
    assert stderr.startswith("Traceback")
    assert "error: there is no setting 'nope'" in stderr


@pytest.mark.parametrize("args", [["config", "show", "--json"], ["--help"], ["models", "list"]])
def test_a_reader_that_has_gone(run_ockit, args):
    read, write = os.pipe()
    os.close(read)
    ran = subprocess.run(
        [*run_ockit.command(), *args], stdin=subprocess.DEVNULL, stdout=write, stderr=subprocess.PIPE, check=False,
        env=run_ockit.variables(), cwd=run_ockit.cwd,
    )  # fmt: skip
    os.close(write)
    assert (ran.returncode, ran.stderr) == (0, b"")


@pytest.mark.parametrize(
    "args", [["config", "show", "--json"], ["--help"], ["models", "list"], ["--version"]]
)
def test_an_output_on_a_full_disk(run_ockit, args):
    with open("/dev/full", "wb") as full:
        ran = subprocess.run(
            [*run_ockit.command(), *args], stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, check=False,
            env=run_ockit.variables(), cwd=run_ockit.cwd,
        )  # fmt: skip
    told = b"error: cannot write the output: No space left on device\n  try: look at where stdout goes\n"
    assert (ran.returncode, ran.stderr) == (1, told)


@pytest.mark.parametrize("closing", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(run_ockit, closing):
    for args, code in (("dirs", 0), ("nope", 2)):
        line = f'"$0" {args} {closing}'
        ran = subprocess.run(
            ["bash", "-c", line, *run_ockit.command()],
            capture_output=True,
            env=run_ockit.variables(),
            check=False,
        )
        assert ran.returncode == code
        assert b"Traceback" not in ran.stderr


def test_an_ascii_locale(run_ockit):
    env = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    code, stdout, stderr = run_ockit("config", "set", "system", "Zoë", env=env)
    assert (code, stdout) == (0, "")
    assert "Zo\\xeb" in stderr
    assert run_ockit("config", "show", env=env).code == 0
    assert "system\tZoë\t" in run_ockit("config", "show").stdout


def test_hostile_text_in_a_path_and_in_an_error(run_ockit):
    everything = "".join(text for text in HOSTILE.values() if text != "\x00")
    hostile = everything.encode("utf-8", "ignore").decode()  # an argument cannot hold every lone surrogate
    runs = (
        ["dirs"], ["config", "path"], [hostile], ["config", "set", hostile, "1"], ["config", "set", "seed", hostile],
        ["dirs", f"--{hostile}"], ["dirs", hostile], ["models", "show", hostile],
    )  # fmt: skip
    for args in runs:
        _, stdout, stderr = run_ockit(*args, env={"OCKIT_HOME": f"/nowhere/{hostile}"})
        assert unsafe((stdout + stderr).replace("\u2764\ufe0f", "")) == [], args


def test_bytes_that_are_no_text_in_an_argument(run_ockit):
    done = run_ockit("dirs", os.fsdecode(b"\xff\xfe"))
    assert done.code == 2
    assert "\udcff" not in done.stderr


@pytest.mark.parametrize(
    "args", [["config", "show"], ["config", "set", "top_k", "1"], ["config", "unset", "top_k"]]
)
def test_a_home_below_a_file(run_ockit, tmp_path, args):
    (tmp_path / "file").write_text("")
    code, stdout, stderr = run_ockit(*args, env={"OCKIT_HOME": str(tmp_path / "file" / "home")})
    assert (code, stdout) == (1, "")
    assert stderr.startswith("error: cannot ")
    assert f"at: {tmp_path / 'file'}" in stderr
    assert "OCKIT_HOME" in stderr


def test_a_full_disk_under_the_settings(run_ockit):
    assert run_ockit("config", "set", "top_k", "1").code == 0
    line = 'ulimit -f 0; exec "$0" config set system text'
    ran = subprocess.run(
        ["bash", "-c", line, *run_ockit.command()],
        capture_output=True,
        text=True,
        env=run_ockit.variables(),
        check=False,
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith("error: cannot write the file")
    assert (run_ockit.home / "config" / "config.toml").read_text() == "top_k = 1\n"


def test_nothing_of_the_current_directory_is_imported(run_ockit):
    for name in ("typer", "platformdirs", "ockit_cli", "difflib", "tomllib"):
        (run_ockit.cwd / f"{name}.py").write_text("raise SystemExit('the current directory was imported')")
    (run_ockit.home / "config").mkdir(parents=True)
    (run_ockit.home / "config" / "config.toml").write_text("top_k = 3\n")
    for module in (False, True):
        for args in (["config", "show"], ["nope"], ["models", "list"]):
            assert "imported" not in run_ockit(*args, module=module).stderr
        assert "\n".join(run_ockit("config", "show", module=module).stdout.splitlines()[5:7]).count(
            "config.toml:1"
        )


def test_a_directory_that_has_been_deleted(run_ockit):
    line = 'mkdir gone; cd gone; rmdir ../gone; exec "$0" "$@"'
    for words in (run_ockit.command(), run_ockit.command(module=True)):
        call = ["bash", "-c", line, *words, "--version"]
        ran = subprocess.run(
            call, cwd=run_ockit.cwd, capture_output=True, env=run_ockit.variables(), check=False
        )
        assert (ran.returncode, ran.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("ockit di", ["dirs"]),
        ("ockit config s", ["show", "set"]),
        ("ockit dirs --j", ["--json"]),
        ("ockit ", list(app.COMMANDS)),
    ],
)
def test_completion(run_ockit, words, expected):
    env = {"_OCKIT_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    code, stdout, stderr = run_ockit(env=env)
    assert (code, sorted(stdout.split()), stderr) == (0, sorted(expected), "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script(run_ockit, shell):
    code, stdout, stderr = run_ockit(
        "--show-completion", shell, env={"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    )
    assert (code, stderr) == (0, "")
    assert "_OCKIT_COMPLETE" in stdout


def test_the_completion_is_installed_for_bash(run_ockit):
    env = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    code, stdout, _ = run_ockit("--install-completion", "bash", env=env)
    assert code == 0
    assert "completion installed" in stdout
    assert ".bash_completions/ockit.sh" in (run_ockit.cwd / ".bashrc").read_text()


def test_dirs(run_ockit):
    code, stdout, stderr = run_ockit("dirs", "--json")
    assert (code, stderr) == (0, "")
    found = json.loads(stdout)
    assert found["schema_version"] == 1
    assert found["ockit_home"] == str(run_ockit.home)
    assert found["directories"] == {
        name: str(run_ockit.home / name) for name in ("config", "data", "state", "cache")
    }
    assert not run_ockit.home.exists()
    away = json.loads(run_ockit("dirs", "--json", env={"OCKIT_HOME": None, "XDG_CONFIG_HOME": "/x"}).stdout)
    assert (away["ockit_home"], away["directories"]["config"]) == (None, "/x/ockit")


def test_config(run_ockit):
    assert run_ockit("config", "path").stdout == f"{run_ockit.home}/config/config.toml\n"
    assert run_ockit("config", "set", "temperature", "0.5").code == 0
    done = run_ockit("config", "set", "top_k", "5", env={"OCKIT_TOP_K": "6"})
    assert "OCKIT_TOP_K=6 still counts more" in done.stderr
    shown = json.loads(run_ockit("config", "show", "--json", env={"OCKIT_TOP_K": "6"}).stdout)
    assert shown["schema_version"] == 1
    by_key = {entry["key"]: entry for entry in shown["settings"]}
    assert (by_key["temperature"]["value"], by_key["temperature"]["origin"]) == (0.5, "config.toml:1")
    assert (by_key["top_k"]["value"], by_key["top_k"]["origin"]) == (6, "OCKIT_TOP_K")
    assert (by_key["log"]["value"], by_key["log"]["origin"], by_key["log"]["flag"]) == (
        True,
        "default",
        "--no-log",
    )
    assert run_ockit("config", "unset", "temperature").code == 0
    assert "temperature\t0.7\tdefault\t" in run_ockit("config", "show").stdout
    assert "does not stand" in run_ockit("config", "unset", "temperature").stderr


def test_two_processes_set_at_once(run_ockit):
    keys = {"top_k": "5", "seed": "6", "threads": "7", "main_gpu": "1"}
    children = [
        subprocess.Popen([*run_ockit.command(), "config", "set", key, value], stderr=subprocess.DEVNULL,
                         env=run_ockit.variables())
        for key, value in keys.items()
    ]  # fmt: skip
    assert [child.wait(60) for child in children] == [0, 0, 0, 0]
    lines = (run_ockit.home / "config" / "config.toml").read_text().splitlines()
    assert sorted(lines) == sorted(f"{key} = {value}" for key, value in keys.items())
