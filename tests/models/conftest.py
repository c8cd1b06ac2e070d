import io
import json
from dataclasses import dataclass

import pytest

import tiny_models
from ockit.app import run
from ockit.environment import Directories, Environment
from ockit.models.registry import Registry


@dataclass
class Ran:
    """What one command line gave."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


class Bytes(io.BytesIO):
    def isatty(self):
        return False


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def directories(home):
    return Directories.of({"OCKIT_HOME": str(home)})


@pytest.fixture
def registry(directories, tmp_path):
    return Registry(directories, cwd=tmp_path)


@pytest.fixture
def ockit(home, tmp_path):
    """Runs a command line in this process: the many cases here cost a start each otherwise."""

    def ran(*argv, **variables):
        out, err = io.StringIO(), io.StringIO()
        given = {"OCKIT_HOME": str(home), "HOME": str(tmp_path), **variables}
        environment = Environment(Bytes(), out, err, given, tmp_path)
        code = run([str(word) for word in argv], environment)
        assert "Traceback" not in err.getvalue()
        return Ran(code, out.getvalue(), err.getvalue())

    return ran


@pytest.fixture(scope="session")
def tiny_source(tmp_path_factory):
    return tiny_models.write_model(
        tmp_path_factory.mktemp("tiny") / "tiny.gguf", chat_template=tiny_models.CHATML, name="Tiny Chat"
    )


@pytest.fixture
def tiny(tmp_path, tiny_source):
    """Puts the tiny model somewhere: a name, or a path below the test's directory."""

    def put(name="tiny.gguf", *, add=b""):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(tiny_source.read_bytes() + add)
        return path

    return put
