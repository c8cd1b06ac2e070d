"""A person's own word lists and patterns as a back end. Knows no policy and no model."""
