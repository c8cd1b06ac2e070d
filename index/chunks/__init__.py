"""Chunks: a document cut at headings, definitions and paragraphs into pieces of about 200 word pieces."""
