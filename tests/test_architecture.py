"""The module table of the design (section 11), as data, held against the code."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

MEM = Path(__file__).parent.parent / "mem"

ORDER = """__init__ record errors text scope retention derive stance belief config terminal store receipts lexical
    embedding tree models git sync recall inject reading writing revising sharing notes ingest proposing mending memory
    review exchange agents watch show docs completions hot tour cli __main__""".split()
"""A module imports only modules listed before it; some of these are still to be written."""

HOMES = {
    "snowballstemmer": "text",
    "platformdirs": "config",
    "sqlite_utils": "store",
    "rank_bm25": "lexical",
    "onnxruntime": "embedding",
    "tokenizers": "embedding",
    "numpy": "embedding",
    "yaml": "tree",
    "mcp": "agents",
    "tomlkit": "config",
    "watchdog": "watch",
    "rich": "show",
    "typer": "cli",
}
"""The one module (or folder) that may import a third-party package."""

SHORT = 30
"""Lines; nine functions in ten are shorter."""


def parsed() -> dict[str, ast.Module]:
    """Every module by its name; `mem/model` is data, and what made it, and no part of the program."""
    files = [path for path in sorted(MEM.rglob("*.py")) if path.relative_to(MEM).parts[0] != "model"]
    names = [".".join(path.relative_to(MEM).with_suffix("").parts) for path in files]
    return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in zip(names, files, strict=True)}


MODULES = parsed()


def imports(tree: ast.AST) -> Iterator[str]:
    """The dotted names that a module imports, at its top, in functions, for type checking, or by import_module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports here are absolute"
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Call) and called(node) in ("import_module", "__import__", "find_spec"):
            name = node.args[0].values[0] if isinstance(node.args[0], ast.JoinedStr) else node.args[0]
            assert isinstance(name, ast.Constant), "a module is imported by a name that is worked out"
            assert node.args[0] is name or "." in str(name.value), "a package is imported by a name that is worked out"
            yield str(name.value)


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def places(name: str) -> Iterator[int]:
    """Where a module of ours that is imported by this name stands in the order; nothing for a foreign one."""
    top, *inner = name.split(".")
    if top == "mem":
        yield ORDER.index(inner[0] if inner and inner[0] in ORDER else "__init__")


def order_broken(modules: dict[str, ast.Module]) -> list[str]:
    return [
        f"{module} imports {name}"
        for module, tree in modules.items()
        for name in imports(tree)
        for place in places(name)
        if place > ORDER.index(part(module)) or ORDER[place] == module
    ]


def homes_broken(modules: dict[str, ast.Module]) -> list[str]:
    return [
        f"{module} imports {package}"
        for module, tree in modules.items()
        for package in {name.partition(".")[0] for name in imports(tree)} - sys.stdlib_module_names - {"mem"}
        if HOMES.get(package) != part(module)
    ]


def part(module: str) -> str:
    """The entry of the table that a module belongs to: a folder such as `agents` is one."""
    return module.partition(".")[0]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


# -- modules ----------------------------------------------------------------------------------------


def test_every_module_has_its_place_in_the_order() -> None:
    assert {part(module) for module in MODULES} <= {*ORDER}


def test_a_module_imports_only_modules_listed_above_it() -> None:
    assert order_broken(MODULES) == []


def test_every_third_party_package_has_one_home() -> None:
    assert homes_broken(MODULES) == []


@pytest.mark.parametrize("package", HOMES)
def test_a_home_that_exists_uses_its_package(package: str) -> None:
    homes = [tree for module, tree in MODULES.items() if part(module) == HOMES[package]]
    used = {name.partition(".")[0] for tree in homes for name in imports(tree)}
    assert not homes or package in used


@pytest.mark.parametrize(
    "module, line",
    [
        ("store", "from mem import memory"),
        ("store", "def f():\n    from mem.cli import main"),
        ("memory", "import mem.show"),
        ("text", "import yaml"),
        ("hot", "def f():\n    import rich.table"),
        ("show", "from importlib import import_module\nimport_module('typer')"),
    ],
)
def test_an_import_that_breaks_the_table_is_caught(module: str, line: str) -> None:
    broken = {module: ast.parse(line)}
    assert order_broken(broken) + homes_broken(broken) != []


# -- errors and time --------------------------------------------------------------------------------


def names(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def swallowed(tree: ast.AST) -> list[int]:
    """Lines that catch everything: bare, Exception (also by suppress), or BaseException without raising it again."""
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = names(node.type) if node.type else {"Exception"}
            again = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
            if "Exception" in caught or ("BaseException" in caught and not again):
                lines.append(node.lineno)
        elif isinstance(node, ast.Call) and called(node) == "suppress":
            lines += [node.lineno for name in node.args if names(name) & {"Exception", "BaseException"}]
    return lines


@pytest.mark.parametrize("module", MODULES)
def test_no_module_catches_everything(module: str) -> None:
    assert swallowed(MODULES[module]) == []


@pytest.mark.parametrize(
    "handler",
    ["except:", "except Exception:", "except (OSError, Exception):", "except BaseException as error:"],
)
def test_a_handler_that_catches_everything_is_caught(handler: str) -> None:
    assert swallowed(ast.parse(f"try:\n    f()\n{handler}\n    print()")) == [3]


def clocks(tree: ast.AST) -> list[str]:
    """Calls that read a clock."""
    found = [called(node) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    read = {"now", "utcnow", "today", "time", "time_ns", "gmtime", "localtime", "monotonic", "perf_counter"}
    return [name for name in found if name in read]


def test_the_clock_is_read_in_one_place_and_time_measured_in_another() -> None:
    read = {(module, clock) for module, tree in MODULES.items() for clock in clocks(tree)}
    assert read == {("reading", "now"), ("watch", "monotonic")}


# -- words and size ---------------------------------------------------------------------------------


@pytest.mark.parametrize("module", MODULES)
def test_a_module_and_its_public_names_say_what_they_are(module: str) -> None:
    tree = MODULES[module]
    inner = {node for outer in functions(tree) for node in ast.walk(outer) if node is not outer}
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    public = [node for node in (*classes, *functions(tree)) if node not in inner and not node.name.startswith("_")]
    assert ast.get_docstring(tree)
    assert [node.name for node in public if not ast.get_docstring(node)] == []


def test_nine_functions_in_ten_are_short() -> None:
    lengths = {
        f"{module}.{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for module, tree in MODULES.items()
        for node in functions(tree)
    }
    long = {name: length for name, length in lengths.items() if length >= SHORT}
    assert len(long) <= len(lengths) / 10, "\n".join(f"{length} {name}" for name, length in sorted(long.items()))
