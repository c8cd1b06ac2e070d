"""Why a text is no JSON, in a person's words. Knows the parser of the standard library."""

from __future__ import annotations

import json


def why_no_json(error: Exception) -> str:
    """What `json.loads` raised (ValueError or RecursionError), in a few words."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if not isinstance(error, json.JSONDecodeError):  # Python converts no number of thousands of digits
        return "a number in it is too long"
    return str(error)
