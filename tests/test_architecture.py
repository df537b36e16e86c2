"""The shape of the code: which package may import which, and the sizes that keep it pleasant to read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.processes import REPOSITORY

PRODUCT = ("api", "schema")
FORBIDDEN = {"schema": {"api", "tests", "bench"}, "api": {"tests", "bench"}}
LONGEST_FILE = 250  # lines with something on them
LONGEST_FUNCTION = 30  # lines, from `def` to its last
WRITTEN_BY_ALEMBIC = REPOSITORY / "api" / "migrations" / "versions"


def modules(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (REPOSITORY / package).rglob("*.py"))


def name(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports(path: Path) -> Iterator[str]:
    """The top packages that a module imports, wherever in it."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}:{node.lineno} imports relatively"
            yield (node.module or "").partition(".")[0]


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Each function with its length."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{name(path)}:{node.lineno} {node.name}", (node.end_lineno or node.lineno) - node.lineno + 1


def silences(node: ast.ExceptHandler) -> bool:
    """Whether a handler swallows whatever happens without a word."""
    caught = ast.unparse(node.type) if node.type is not None else "BaseException"
    wide = {"Exception", "BaseException"} & {word.strip("() ") for word in caught.split(",")}
    return bool(wide) and all(
        isinstance(each, ast.Pass | ast.Continue)
        or (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
        for each in node.body
    )


@pytest.mark.parametrize("package", PRODUCT)
def test_imports_go_one_way(package: str) -> None:
    wrong = [name(path) for path in modules(package) if FORBIDDEN[package] & set(imports(path))]
    assert wrong == []


def test_every_module_says_what_it_is() -> None:
    spoken = [path for path in modules("tests") if path.name.startswith("test_")]  # their tests are sentences
    expected = set(modules("api", "schema", "tests", "bench")) - set(spoken)
    assert sorted(name(path) for path in expected if not ast.get_docstring(tree(path))) == []


def test_no_file_is_too_long_to_be_about_one_thing() -> None:
    lengths = {
        name(path): sum(bool(line.strip()) for line in path.read_text(encoding="utf-8").splitlines())
        for path in modules(*PRODUCT)
        if path.parent != WRITTEN_BY_ALEMBIC
    }
    assert {path: length for path, length in lengths.items() if length >= LONGEST_FILE} == {}


def test_no_function_is_too_long_to_be_read_at_once() -> None:
    found = [
        (where, length)
        for path in modules(*PRODUCT)
        if path.parent != WRITTEN_BY_ALEMBIC
        for where, length in functions(path)
        if length >= LONGEST_FUNCTION
    ]
    assert found == []


def test_nothing_that_goes_wrong_is_swallowed() -> None:
    found = [
        f"{name(path)}:{node.lineno}"
        for path in modules(*PRODUCT)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler) and silences(node)
    ]
    assert found == []
