"""The FAISS cache of an index, derived from its store and made anew at any time."""
