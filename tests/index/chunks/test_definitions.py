"""Definitions are found by the look of their lines, in many languages."""

from __future__ import annotations

import pytest

from ockit.index.chunks.definitions import definitions

SOURCES = {
    "python": (
        """\
import os

@cached
def top(a,
        b):
    return if_(a)

class Box(Base):
    x = 1

    async def open(self):
        def inner():
            pass
        return inner
""",
        ["top", "Box", "open", "inner"],
    ),
    "rust": (
        """\
pub(crate) fn a<T>(x: T) -> T where T: Copy {
    x
}
impl<T> Show for Box<T> {
    fn show(&self) {}
}
mod tests;
""",
        ["a", "Show", "show", "tests"],
    ),
    "cpp": (
        """\
#include <x>
namespace n {
static int add(int a,
               int b)
{
    if (a) {
        call(b);
    }
    return a;
}
Foo::Foo(int x)
    : x_(x) {
}
int later(int);
class Foo;
}
""",
        ["n", "add", "Foo::Foo"],
    ),
    "javascript": (
        """\
export default function main() {
}
const go = async (x) => {
  run(x, () => {
  });
};
class A {
  method(a) {
    while (a) {
    }
  }
}
""",
        ["main", "go", "A", "method"],
    ),
    "go": (
        """\
package main

func (s *Server) Serve(l net.Listener) error {
\treturn nil
}

type Server struct {
\tx int
}
""",
        ["Serve", "Server"],
    ),
    "java": (
        """\
public class A {
    private static int f(String x) throws E {
        return 1;
    }
}
""",
        ["A", "f"],
    ),
    "ruby": (
        """\
module M
  class C < D
    def each(&block)
    end
  end
end
""",
        ["M", "C", "each"],
    ),
    "shell": (
        """\
set -e
build() {
  make
}
function clean {
  rm
}
""",
        ["build", "clean"],
    ),
    "sql": (
        """\
CREATE TABLE users (
  id INTEGER
);
SELECT f(x) FROM users;
""",
        ["users"],
    ),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_definitions_of_a_language(kind: str) -> None:
    text, names = SOURCES[kind]
    assert [found.name for found in definitions(text.split("\n"), kind)] == names


def test_a_definition_begins_with_its_comments_and_ends_with_its_body() -> None:
    lines = "x = 1\n\n# says so\n@cached\ndef f():\n    return 1\n\n\ny = 2\n".split("\n")
    (found,) = definitions(lines, "python")
    assert (found.lead, found.line, found.end, found.depth) == (2, 4, 6, 0)
    assert found.title == "def f()"


def test_nested_definitions_know_their_depth() -> None:
    lines = "class A {\n  void b() {\n    c();\n  }\n}\nvoid d() {\n}\n".split("\n")
    assert [(f.name, f.depth, f.end) for f in definitions(lines, "java")] == [
        ("A", 0, 5),
        ("b", 1, 4),
        ("d", 0, 7),
    ]


@pytest.mark.parametrize(
    "line", ["(" * 300 + "f(", "a" * 399 + "(", "f(" * 190, "template" + "<" * 380, "x " * 190 + "("]
)
def test_hostile_lines_take_no_time(line: str) -> None:
    assert definitions([line] * 300, "cpp") == []
