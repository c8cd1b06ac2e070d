"""Which hub is asked, and as whom: the variables that huggingface_hub documents, read and checked.

Knows the variables' names and the token's file; asks no hub. What is secret leaves here apart from what is shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ockit.errors import UsageError
from ockit.offline import is_true

PUBLIC = "https://huggingface.co"
_HOST = re.compile(r"(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}|[0-9a-f.]*:[0-9a-f:.]*")


def endpoint_of(variables: Mapping[str, str]) -> tuple[str, str | None]:
    """The hub's address without a user in it, and that user as ``NAME:PASSWORD``, where ``HF_ENDPOINT`` names one.

    Raises:
        UsageError: it is no address; what may be a password is not in the text.
    """
    endpoint = (variables.get("HF_ENDPOINT") or PUBLIC).strip().rstrip("/")
    try:
        parts = urlsplit(endpoint)
        good = parts.scheme in ("http", "https") and parts.port != 0
        good = good and _HOST.fullmatch(parts.hostname or "") is not None
        # an @ behind the host is a password with a / or a ? in it, which must not be taken for a path and shown
        good = good and "@" not in parts.path + parts.query + parts.fragment
    except ValueError:
        good = False
    if not good or not endpoint.isascii() or not endpoint.isprintable() or " " in endpoint:
        before, at, after = endpoint.rpartition("@")
        scheme = re.match(r"\w+://", before)
        shown = f"{scheme[0] if scheme else ''}...@{after}" if at else endpoint
        raise UsageError(
            f"HF_ENDPOINT is {shown!r}, which is no address of a hub",
            hint=f"HF_ENDPOINT={PUBLIC}" + ("; in a password / is %2F, ? is %3F, @ is %40" if at else ""),
        )
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        return endpoint, None
    name, _, password = user.partition(":")
    return parts._replace(netloc=host).geturl(), f"{unquote(name)}:{unquote(password)}"


def token_of(variables: Mapping[str, str]) -> str | None:
    """The token of ``HF_TOKEN``, else of the file that ``hf auth login`` writes; None where there is none."""
    if is_true(variables.get("HF_HUB_DISABLE_IMPLICIT_TOKEN")):
        return None
    token = variables.get("HF_TOKEN") or variables.get("HUGGING_FACE_HUB_TOKEN") or ""
    source = "HF_TOKEN"
    if not token.strip():
        home = Path(variables.get("HOME") or Path.home())
        caches = Path(variables.get("XDG_CACHE_HOME") or home / ".cache")
        path = Path(
            variables.get("HF_TOKEN_PATH")
            or Path(variables.get("HF_HOME") or caches / "huggingface") / "token"
        )
        source = str(path)
        try:
            with path.expanduser().open("rb") as file:
                token = file.read(4096).decode("ascii", "replace")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise UsageError(
                f"the token cannot be read: {error.strerror}", where=source, hint="HF_TOKEN=... comes first"
            ) from error
    token = token.strip()
    if not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(f"the token of {source} holds characters that no token has", hint="copy it anew")
    return token or None


def seconds(text: str | None, default: float) -> float:
    """A time-out in whole seconds, at most a day; `default` for what makes no sense."""
    text = (text or "").strip()
    return float(text) if text.isdecimal() and 0 < int(text) <= 86400 else default
