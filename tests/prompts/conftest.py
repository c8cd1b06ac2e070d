from __future__ import annotations

import pytest

from prompts.vocabularies import vocabulary


@pytest.fixture(scope="session")
def vocabulary_named(tmp_path_factory):
    """``vocabulary_named("qwen2")``: a loaded vocabulary; the test is skipped where its file is absent."""
    folder = tmp_path_factory.mktemp("vocabularies")
    return lambda name: vocabulary(name, folder)
