"""Indexes of documents: reading, chunking, storing, searching. Installed as `ockit.index`."""
