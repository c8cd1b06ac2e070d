"""Chat templates: a conversation in, segments out, and segments to token ids."""
