"""The version of what `chunk_document` gives. Chunks of two versions never stand in one index."""

CHUNKER_VERSION = 1
