"""Chunks: a document cut at headings, definitions and paragraphs into pieces that are embedded and found as one."""

from ockit.index.chunks.chunker import chunk_document
from ockit.index.chunks.version import CHUNKER_VERSION

__all__ = ["CHUNKER_VERSION", "chunk_document"]
