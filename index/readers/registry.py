"""Which reader reads which kind. Knows the readers by name and imports the one that is wanted."""

from __future__ import annotations

from importlib import import_module

from ockit.documents import Document
from ockit.index.readers.csv_table import TableReader
from ockit.index.readers.json_text import JsonReader
from ockit.index.readers.kinds import CODE_KINDS, HEAD_BYTES, kind_of
from ockit.index.readers.limits import ReadingLimits
from ockit.index.readers.markdown import MarkdownReader
from ockit.index.readers.plain import PlainReader
from ockit.index.readers.reading import ReadingFailed
from ockit.index.readers.rst import RstReader
from ockit.protocols import Reader

_WITH_LIMITS = {
    "html": ("html", "HtmlReader"),
    "notebook": ("notebook", "NotebookReader"),
    "docx": ("docx", "DocxReader"),
    "odt": ("odt", "OdtReader"),
    "epub": ("epub", "EpubReader"),
    "pptx": ("pptx", "PptxReader"),
    "xlsx": ("xlsx", "XlsxReader"),
    "eml": ("eml", "EmlReader"),
    "pdf": ("pdf", "PdfReader"),
}
"""Readers of formats that bring libraries along: imported for the first file of their kind."""


def reader_of(kind: str, limits: ReadingLimits) -> Reader:
    """The reader of a kind of `ockit.index.readers.kinds`."""
    if kind == "text" or kind in CODE_KINDS:
        return PlainReader(kind)
    if kind in ("csv", "tsv"):
        return TableReader(kind)
    if kind in ("json", "jsonl"):
        return JsonReader(kind)
    if kind == "markdown":
        return MarkdownReader()
    if kind == "rst":
        return RstReader()
    module, name = _WITH_LIMITS[kind]
    reader: Reader = getattr(import_module(f"ockit.index.readers.{module}"), name)(limits)
    return reader


def document_of(data: bytes, name: str, limits: ReadingLimits | None = None) -> Document:
    """The document in the bytes of a file, in this process: for bytes that one trusts.

    Raises:
        ReadingFailed: it is binary, damaged, encrypted or over a limit.
    """
    limits = limits or ReadingLimits()
    kind = kind_of(name, data[:HEAD_BYTES])
    if kind is None:
        raise ReadingFailed("binary", "it is binary")
    try:
        document = reader_of(kind, limits).read(data, name)
    except ReadingFailed:
        raise
    except ImportError as error:
        hint = "install ockit anew: a library it depends on is not there"
        raise ReadingFailed("unreadable", f"its reader cannot be loaded: {error}", hint=hint) from error
    except MemoryError:
        raise ReadingFailed("memory", f"reading it takes more than {limits.memory_bytes >> 20} MiB") from None
    except RecursionError:
        raise ReadingFailed("damaged", f"it is no {kind} file that can be read: it nests too deep") from None
    except Exception as error:
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise ReadingFailed("damaged", f"it is no {kind} file that can be read: {said}") from error
    if len(document.text) > limits.characters:
        raise ReadingFailed(
            "too-much-text",
            f"its text has {len(document.text)} characters ({limits.characters} at most)",
            hint="split the file",
        )
    return document
