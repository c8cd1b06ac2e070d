"""Which files and folders are left out by name, whoever asked: secrets, and what a program made. Knows names only.

What is left out, and the word it is counted under:

- ``secret``: files that hold passwords or keys. Nothing of them may come into an index, however they are reached.
- ``hidden``: names that begin with a dot.
- ``generated``: what tools fetch or build (dependencies, caches, build outputs, lock files, minified scripts):
  large, written by nobody, and found in the place of what somebody wrote.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from fnmatch import translate

_SECRETS = (
    # environments and their variants; the examples in the repository are none
    ".env",
    ".env.*",
    "*.env",
    ".envrc",
    ".netrc",
    "_netrc",
    ".pgpass",
    ".my.cnf",
    ".htpasswd",
    ".npmrc",
    ".pypirc",
    ".git-credentials",
    ".dockercfg",
    ".vault-token",
    "credentials",
    "credentials.*",
    "credentials-*",
    "credentials_*",
    *(f"*[-_.]credentials.{kind}" for kind in ("json", "csv", "txt", "ini", "toml", "y*ml", "xml")),
    "*accesskeys.csv",
    "rootkey.csv",
    "kubeconfig",
    # the system's passwords
    "shadow",
    "shadow-",
    "gshadow",
    "gshadow-",
    "master.passwd",
    "kubeconfig.*",
    "*.kubeconfig",
    "client_secret*.json",
    "service-account*.json",
    "service_account*.json",
    *(f"secret{s}.{kind}" for s in ("", "s") for kind in ("y*ml", "json", "toml", "ini")),
    *(f"*[-_.]secret{s}.{kind}" for s in ("", "s") for kind in ("y*ml", "json", "toml", "ini")),
    "*.tfstate",
    "*.tfstate.backup",
    "*.tfvars",
    "*.tfvars.json",
    # keys and what keeps them
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    "*.pem",
    "*.key",
    "*.ppk",
    "*.p12",
    "*.pfx",
    "*.p8",
    "*.jks",
    "*.keystore",
    "*.kdb",
    "*.kdbx",
    "*.gpg",
    "*.pgp",
    "*.asc",
    "*.agekey",
    "*.ovpn",
    "wallet.dat",
)
_NO_SECRETS = (".env.example", ".env.sample", ".env.template", ".env.dist", "*.pub")
_SOURCES = (
    "py",
    "pyi",
    "js",
    "mjs",
    "ts",
    "tsx",
    "go",
    "rs",
    "java",
    "kt",
    "rb",
    "php",
    "c",
    "h",
    "cpp",
    "md",
    "rst",
)

_GENERATED_FILES = (
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "bun.lockb",
    "deno.lock",
    "poetry.lock",
    "pdm.lock",
    "uv.lock",
    "Pipfile.lock",
    "conda-lock.yml",
    "Cargo.lock",
    "composer.lock",
    "Gemfile.lock",
    "Podfile.lock",
    "pubspec.lock",
    "mix.lock",
    "flake.lock",
    "gradle.lockfile",
    "packages.lock.json",
    "go.sum",
    "*.min.js",
    "*.min.mjs",
    "*.min.css",
    "*.js.map",
    "*.mjs.map",
    "*.css.map",
)
_GENERATED_FOLDERS = (
    "node_modules",
    "bower_components",
    "jspm_packages",
    "site-packages",
    "__pycache__",
    "__pypackages__",
    "*.dist-info",
    "*.egg-info",
    "DerivedData",
)
_OUTPUTS = frozenset(("build", "dist", "target", "_build", "htmlcov"))
_BUILT_BY = frozenset(
    (
        "pyproject.toml",
        "setup.py",
        "setup.cfg",
        "package.json",
        "Cargo.toml",
        "pom.xml",
        "build.gradle",
        "build.gradle.kts",
        "CMakeLists.txt",
        "Makefile",
        "conf.py",
    )
)
# What marks a folder from within: a virtual environment, a build folder of CMake, a cache (bford.info/cachedir).
_MARKERS = frozenset(("pyvenv.cfg", "CMakeCache.txt", "CACHEDIR.TAG"))

# What editors, tools and people put behind the name of a file they keep the older version of.
_BACKUP = re.compile(r"(?:~|[.-](?:bak|backup|old|orig|save|copy|tmp|swp|swo|\d{1,3}))+\Z", re.IGNORECASE)


def _any(patterns: Collection[str]) -> re.Pattern[str]:
    return re.compile("|".join(translate(pattern) for pattern in patterns), re.IGNORECASE)


_SECRET, _NO_SECRET = _any(_SECRETS), _any((*_NO_SECRETS, *(f"credentials*.{kind}" for kind in _SOURCES)))
_MADE_FILE, _MADE_FOLDER = _any(_GENERATED_FILES), _any(_GENERATED_FOLDERS)


def is_secret(name: str) -> bool:
    """Whether a file of that name, or what it is a backup of, is taken for one that holds passwords or keys."""
    names = {name, _BACKUP.sub("", name.removeprefix("#").removesuffix("#"))}
    if any(_NO_SECRET.match(one) for one in names):
        return False
    return any(_SECRET.match(one) for one in names)


def file_left_out(name: str) -> str | None:
    """The word for why a file is left out by its name, or None."""
    if is_secret(name):
        return "secret"
    if name.startswith("."):
        return "hidden"
    return "generated" if _MADE_FILE.match(name) is not None else None


def folder_left_out(name: str, siblings: Collection[str]) -> str | None:
    """The word for why a folder is left out by its name and those beside it, or None."""
    if name.startswith("."):
        return "hidden"
    if _MADE_FOLDER.match(name) is not None:
        return "generated"
    return "generated" if name in _OUTPUTS and not _BUILT_BY.isdisjoint(siblings) else None


def marked_as_generated(names: Collection[str]) -> bool:
    """Whether what lies in a folder says that a tool made the folder."""
    return not _MARKERS.isdisjoint(names)
