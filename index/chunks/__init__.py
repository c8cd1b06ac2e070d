"""Chunks: a document cut at headings, definitions and paragraphs into pieces that are embedded and found as one."""

from ockit.index.chunks.chunker import CHUNKER_VERSION, chunk_document

__all__ = ["CHUNKER_VERSION", "chunk_document"]
