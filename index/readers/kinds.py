"""What kind of file it is: by its name, by its first line, by its bytes. Opens nothing, parses nothing."""

from __future__ import annotations

import re

from ockit.index.readers.decoding import looks_like_text

HEAD_BYTES = 8192
"""How much of a file's beginning `kind_of` wants to see."""

CONTAINER_KINDS = frozenset("docx odt epub pptx xlsx pdf".split())

_PROSE = {
    "text": "txt text log me asc nfo srt vtt tex latex bib org adoc asciidoc textile wiki mediawiki pod man 1 3 5 7 "
    "8 po pot diff patch",
    "markdown": "md markdown mdown mkd mkdn mdx rmd qmd",
    "rst": "rst rest",
    "html": "html htm xhtml xht shtml",
    "csv": "csv",
    "tsv": "tsv tab",
    "json": "json json5 jsonc geojson webmanifest har topojson jsonld avsc",
    "jsonl": "jsonl ndjson ldjson",
    "notebook": "ipynb",
    "docx": "docx docm dotx",
    "odt": "odt ott",
    "epub": "epub",
    "pptx": "pptx pptm ppsx",
    "xlsx": "xlsx xlsm xltx",
    "eml": "eml",
    "pdf": "pdf",
}

_CODE = {
    "python": "py pyi pyw pyx pxd",
    "javascript": "js mjs cjs jsx",
    "typescript": "ts mts cts tsx",
    "java": "java",
    "c": "c h",
    "cpp": "cc cpp cxx c++ hh hpp hxx h++ ipp tpp inl cu cuh ino",
    "csharp": "cs csx",
    "fsharp": "fs fsi fsx",
    "objc": "m mm",
    "go": "go",
    "rust": "rs",
    "ruby": "rb rake gemspec ru",
    "php": "php phtml",
    "swift": "swift",
    "kotlin": "kt kts",
    "scala": "scala sc sbt",
    "groovy": "groovy gradle",
    "dart": "dart",
    "zig": "zig",
    "nim": "nim",
    "shell": "sh bash zsh fish ksh bats",
    "powershell": "ps1 psm1 psd1",
    "batch": "bat cmd",
    "sql": "sql",
    "lua": "lua",
    "perl": "pl pm t",
    "r": "r",
    "julia": "jl",
    "haskell": "hs lhs",
    "ocaml": "ml mli",
    "elixir": "ex exs",
    "erlang": "erl hrl",
    "clojure": "clj cljs cljc edn",
    "lisp": "lisp lsp el scm rkt ss",
    "fortran": "f f90 f95 f03 for",
    "pascal": "pas pp",
    "ada": "adb ads",
    "d": "d",
    "vb": "vb bas vbs",
    "assembly": "s asm",
    "solidity": "sol",
    "verilog": "v sv svh",
    "vhdl": "vhd vhdl",
    "css": "css scss sass less styl",
    "vue": "vue",
    "svelte": "svelte",
    "yaml": "yaml yml",
    "toml": "toml",
    "ini": "ini cfg conf properties desktop service editorconfig",
    "xml": "xml xsd xsl xslt svg plist rss atom wsdl csproj vbproj props targets xaml pom kml gpx",
    "make": "mk mak",
    "cmake": "cmake",
    "docker": "dockerfile",
    "proto": "proto",
    "thrift": "thrift",
    "graphql": "graphql gql",
    "terraform": "tf tfvars hcl",
    "nix": "nix",
    "bazel": "bzl bazel star",
    "template": "j2 jinja jinja2 tmpl tpl erb ejs hbs mustache",
}

CODE_KINDS = frozenset(_CODE)
"""Kinds that are source code; a document of one has no headings, its definitions are the chunker's to find."""

_BINARY = (
    "png jpg jpeg gif bmp tif tiff webp ico icns heic avif psd ai eps xcf mp3 mp4 m4a m4v mov avi mkv webm ogg oga ogv "
    "opus flac wav aac wma wmv zip gz tgz bz2 xz zst lz4 7z rar tar jar war ear apk ipa deb rpm dmg iso img cab msi "
    "exe dll so dylib a o obj lib pyc pyo pyd class wasm bin gguf safetensors pt pth ckpt onnx npy npz pkl "
    "pickle h5 hdf5 parquet feather arrow orc avro db sqlite sqlite3 mdb ttf otf woff woff2 eot doc xls ppt ods odp "
    "odg numbers pages key mobi azw3 p12 pfx jks keystore der swp mo"
).split()

_BY_EXTENSION: dict[str, str | None] = {
    extension: kind
    for table in (_PROSE, _CODE)
    for kind, words in table.items()
    for extension in words.split()
}
_BY_EXTENSION |= dict.fromkeys(_BINARY)

_BY_NAME = {
    "makefile": "make",
    "gnumakefile": "make",
    "dockerfile": "docker",
    "containerfile": "docker",
    "cmakelists.txt": "cmake",
    "jenkinsfile": "groovy",
    "rakefile": "ruby",
    "gemfile": "ruby",
    "vagrantfile": "ruby",
    "podfile": "ruby",
    "brewfile": "ruby",
    "guardfile": "ruby",
    "build": "bazel",
    "workspace": "bazel",
    "sconstruct": "python",
    "sconscript": "python",
    "snakefile": "python",
    "pipfile": "toml",
    "cargo.lock": "toml",
    "poetry.lock": "toml",
    "uv.lock": "toml",
    "justfile": "make",
    "procfile": "yaml",
    "robots.txt": "text",
    "pkgbuild": "shell",
    "go.mod": "go",
    "go.sum": "text",
}

_SHEBANG = re.compile(
    rb"#![ \t]*\S*?/?(?:env[ \t]+(?:-S[ \t]*)?(?:\w+=\S*[ \t]+)*(?:\S*/)?)?([\w+-]+?)[\d.]*(?:[ \t\r\n]|$)"
)
_INTERPRETERS = {
    "python": "python",
    "pypy": "python",
    "uv": "python",
    "sh": "shell",
    "bash": "shell",
    "zsh": "shell",
    "dash": "shell",
    "ksh": "shell",
    "fish": "shell",
    "bats": "shell",
    "perl": "perl",
    "ruby": "ruby",
    "node": "javascript",
    "nodejs": "javascript",
    "deno": "typescript",
    "bun": "javascript",
    "ts-node": "typescript",
    "php": "php",
    "lua": "lua",
    "luajit": "lua",
    "Rscript": "r",
    "julia": "julia",
    "runghc": "haskell",
    "elixir": "elixir",
    "escript": "erlang",
    "make": "make",
    "awk": "shell",
    "tclsh": "text",
}

_HTML_HEAD = re.compile(rb"\s*(?:<!--.{0,2000}?-->\s*)?<(?:!doctype\s+html|html[\s>])", re.I | re.S)


def kind_by_name(name: str) -> str | None:
    """The kind that a file's name promises; nothing (``""``) where it promises none, None where it says binary."""
    base = re.split(r"[/\\]", name)[-1].lower()
    if base in _BY_NAME:
        return _BY_NAME[base]
    stem, dot, extension = base.rpartition(".")
    if not dot or not stem:
        return ""
    if stem in ("dockerfile", "containerfile", "makefile"):
        return _BY_NAME[stem]
    return _BY_EXTENSION.get(extension, "")


def kind_of(name: str, head: bytes) -> str | None:
    """The kind of a file, in one word, or None where it is binary.

    Args:
        name: its name or path; only the last part counts.
        head: its first `HEAD_BYTES` bytes, or all of it where it is shorter.
    """
    promised = kind_by_name(name)
    if promised is None:
        return None
    if promised in CONTAINER_KINDS:
        return promised  # one that is not what it promises is a damaged file, and worth telling
    if head.startswith(b"%PDF-"):
        return "pdf"
    if not looks_like_text(head, generous=bool(promised)):
        return None
    return promised or _by_content(head)


def _by_content(head: bytes) -> str:
    if head.startswith(b"#!") and (found := _SHEBANG.match(head)):
        return _INTERPRETERS.get(found[1].decode("ascii", "replace"), "text")
    if _HTML_HEAD.match(head):
        return "html"
    if head.startswith(b"<?xml"):
        return "xml"
    return "text"
