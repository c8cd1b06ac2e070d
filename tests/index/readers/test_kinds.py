"""Kinds of files: by name, by first line, by bytes."""

from __future__ import annotations

import codecs

import pytest

from ockit.index.readers.kinds import CODE_KINDS, CONTAINER_KINDS, kind_by_name, kind_of
from ockit.index.readers.limits import ReadingLimits
from ockit.index.readers.registry import reader_of


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.py", "python"),
        ("a.PY", "python"),
        ("src/deep/b.tsx", "typescript"),
        ("Makefile", "make"),
        ("dir/Dockerfile", "docker"),
        ("Dockerfile.dev", "docker"),
        ("CMakeLists.txt", "cmake"),
        ("notes.md", "markdown"),
        ("page.rst", "rst"),
        ("x.ipynb", "notebook"),
        ("t.csv", "csv"),
        ("t.tsv", "tsv"),
        ("t.ndjson", "jsonl"),
        ("a.b.json", "json"),
        ("main.tf", "terraform"),
        ("m.proto", "proto"),
        ("a.vue", "vue"),
        ("a.hpp", "cpp"),
        ("README", "text"),
        (".bashrc", "text"),
        ("name.unheard", "text"),
    ],
)
def test_by_name(name: str, kind: str):
    assert kind_of(name, b"some words\n") == kind


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"#!/bin/sh\n", "shell"),
        (b"#!/usr/bin/env python3\nimport os", "python"),
        (b"#!/usr/bin/env -S node --flag\n", "javascript"),
        (b"#! /usr/local/bin/python3.12 -I\r\n", "python"),
        (b"#!/usr/bin/perl -w\n", "perl"),
        (b"#!/opt/unheard\n", "text"),
        (b"<!DOCTYPE html>\n<html>", "html"),
        (b"  <html lang=en>", "html"),
        (b'<?xml version="1.0"?>', "xml"),
        (b"%PDF-1.7\n\x00\xff", "pdf"),
        (b"words", "text"),
        (b"", "text"),
        ("früh".encode("latin-1"), "text"),
        (codecs.BOM_UTF16_LE + "ab".encode("utf-16-le"), "text"),
        ("Привет, мир".encode("utf-16-le"), "text"),
        ("日本語のテキスト".encode(), "text"),
        ("日本語のテキスト".encode()[:-1], "text"),  # the head ends inside a character
    ],
)
def test_by_content(head: bytes, kind: str):
    assert kind_of("file", head) == kind


@pytest.mark.parametrize(
    "head", [b"\0", b"ab\0cd", bytes(range(256)), b"\x7fELF\x02" + bytes(50), b"\x1f\x8b\x08\0x"]
)
def test_binary(head: bytes):
    assert kind_of("file", head) is None
    assert kind_of("file.txt", head * 3) is None


def test_binary_by_name():
    assert kind_by_name("a.png") is None
    assert kind_of("a.png", b"words") is None


def test_a_video_called_typescript_is_binary():
    assert kind_of("film.ts", b"G@\x11\x10\0B\xf0%\0\x01\xc1\0\0\xff" + b"\xff" * 170) is None


def test_every_kind_has_its_reader():
    kinds = (
        CODE_KINDS | CONTAINER_KINDS | set("text markdown rst html csv tsv json jsonl notebook eml".split())
    )
    for kind in kinds:
        assert kind in reader_of(kind, ReadingLimits()).kinds
