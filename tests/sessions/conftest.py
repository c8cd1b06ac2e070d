import pytest

from ockit.sessions.store import Store


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "data" / "ockit.db") as found:
        yield found
