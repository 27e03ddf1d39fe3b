"""The rules of the tree (DESIGN section 3), held by a test: who may import whom, who touches the border and the clock, and which files have grown past
one idea. An import for types only counts like any other: who reads the file has to know what it names.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Set
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "roomtone"
FILES = {
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(SOURCE.rglob("*.py"))
    if path.parent != SOURCE or path.stem not in {"__init__", "__main__"}
}
"""By module name below roomtone."""

PACKAGES = sorted({module.partition(".")[0] for module in FILES})

FOUNDATION = {"clock", "errors", "ids", "limits", "log", "shares"}

# What each package may import of ours, besides the foundation and itself. Who composes (server, cli, testing) may import everything below.
ALLOWED: dict[str, set[str]] = {
    "rooms": set(),
    "media": {"_native"},
    "sip": {"_native", "media", "calls"},
    "store": set(),
    "settings": set(),
    "music": set(),
    "demo": set(),
    "webhooks": {"store"},
    "speech": {"media"},
    "conferences": {"rooms", "media", "store"},
    "calls": {"conferences", "rooms", "media", "speech", "store", "webhooks"},
    "dialects": {"calls", "rooms", "webhooks"},
    "accounts": {"store", "settings"},
    "api": {"calls", "conferences", "rooms", "store", "webhooks", "music", "accounts", "settings", "media"},
}
COMPOSERS = {"server", "cli", "testing", "console"}

FACES = {"media.border", "media.core", "sip.core"}
"""Where the native module is imported, and nowhere else: the two faces, and the check that it is of these sources."""

SOURCE_LINES_MAX = 600

Graph = Mapping[str, Set[str]]


def imports(module: str) -> Iterator[tuple[int, str]]:
    """(line, module of ours) of each import."""
    for node in ast.walk(ast.parse(FILES[module].read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "roomtone":
            below = node.module.removeprefix("roomtone").removeprefix(".")
            for alias in node.names:
                name = f"{below}.{alias.name}".removeprefix(".")
                yield node.lineno, name if name in FILES or not below else below
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("roomtone."):
                    yield node.lineno, alias.name.removeprefix("roomtone.")


IMPORTS = {module: list(imports(module)) for module in FILES}


def circles(graph: Graph) -> list[str]:
    """A circle for each set of nodes that reach one another, as `a -> b -> a`."""
    found: list[str] = []
    seen: set[str] = set()
    for start in sorted(graph):
        path = None if start in seen else _way_back(graph, start)
        if path is not None:
            seen.update(path)
            found.append(" -> ".join([*path, start]))
    return found


def _way_back(graph: Graph, start: str) -> list[str] | None:
    """The shortest path that leaves `start` and comes back; None: there is none."""
    paths = {start: [start]}
    for node in (queue := [start]):
        for neighbour in sorted(graph.get(node, ())):
            if neighbour == start:
                return paths[node]
            if neighbour not in paths:
                paths[neighbour] = [*paths[node], neighbour]
                queue.append(neighbour)
    return None


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_one_way(package: str) -> None:
    """A package imports only what stands below it."""
    if package in COMPOSERS:
        return
    allowed = ALLOWED.get(package, set()) | FOUNDATION | {package}
    wrong = [
        f"{FILES[module].relative_to(SOURCE)}:{line} imports roomtone.{name}"
        for module in FILES
        if module.partition(".")[0] == package
        for line, name in IMPORTS[module]
        if name.partition(".")[0] not in allowed
    ]
    assert not wrong, "\n".join(wrong)


def test_packages_form_no_circle() -> None:
    """They have an order, whatever the table above allows."""
    graph: dict[str, set[str]] = {package: set() for package in PACKAGES}
    for module, targets in IMPORTS.items():
        package = module.partition(".")[0]
        graph[package] |= {name.partition(".")[0] for _, name in targets} - {package}
    assert not circles(graph), "\n".join(circles(graph))


def test_files_form_no_circle() -> None:
    """Not within a package either. To import a module is to import the packages that it lies in."""
    graph = {
        module: {part for _, name in targets for part in (name, *_packages_of(name))} - {module, *_packages_of(module)}
        for module, targets in IMPORTS.items()
    }
    assert not circles(graph), "\n".join(circles(graph))


def _packages_of(module: str) -> list[str]:
    """`a.b.c` lies in `a` and `a.b`."""
    parts = module.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


@pytest.mark.parametrize("crate", ["media", "sip", "engine"])
def test_modules_of_a_crate_form_no_circle(crate: str) -> None:
    """Nor in Rust. What a module's own tests use does not count."""
    root = SOURCE.parents[1] / "crates" / crate / "src"
    graph: dict[str, set[str]] = {}
    for file in root.rglob("*.rs"):
        module = file.relative_to(root).with_suffix("").parts[0]
        if module != "lib":
            code = file.read_text().partition("#[cfg(test)]")[0]
            used = set(re.findall(r"^[^/\n]*\bcrate::(\w+)", code, flags=re.MULTILINE))
            graph.setdefault(module, set()).update(used - {module})
    assert not circles(graph), "\n".join(circles(graph))


def test_only_the_faces_touch_the_native_module() -> None:
    """Everything else takes from `media.core` or `sip.core` what crosses the border."""
    users = {module for module, targets in IMPORTS.items() if any(name == "_native" for _, name in targets)}
    assert users == FACES


def test_no_event_loop_is_asked_for_the_time() -> None:
    """`call_later`, `call_at` and `time` of a loop, which the linter cannot tell by their names: time comes from a Clock."""
    wrong = [
        f"{path.relative_to(SOURCE)}:{node.lineno} {ast.unparse(node.func)}"
        for module, path in FILES.items()
        if module != "clock"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _asks_a_loop(node, node.func)
    ]
    assert not wrong, "\n".join(wrong)


def _asks_a_loop(call: ast.Call, function: ast.Attribute) -> bool:
    if function.attr == "call_later":
        return True
    owner = ast.unparse(function.value).removesuffix("()")
    if owner == "asyncio":
        return function.attr == "wait" and any(keyword.arg == "timeout" for keyword in call.keywords)
    return function.attr in {"call_at", "time"} and owner.endswith("loop")


def test_a_file_holds_one_idea() -> None:
    """No source file has grown past the size that one reader holds in the head."""
    roots = [SOURCE, SOURCE.parents[1] / "crates"]
    files = [
        path
        for root in roots
        for suffix in ("*.py", "*.rs")
        for path in root.rglob(suffix)
        if "target" not in path.parts
    ]
    long = [
        f"{path.relative_to(SOURCE.parents[1])}: {lines}"
        for path in files
        if (lines := len(path.read_text().splitlines())) > SOURCE_LINES_MAX
    ]
    assert not long, "\n".join(long)
