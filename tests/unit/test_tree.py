"""The rules of the tree (DESIGN section 3), held by a test: who may import whom, and which files have grown past one idea."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "roomtone"
PACKAGES = sorted(
    {path.relative_to(SOURCE).parts[0].removesuffix(".py") for path in SOURCE.rglob("*.py")} - {"__init__", "__main__"}
)

FOUNDATION = {"clock", "errors", "ids", "limits", "log", "shares"}

# What each package may import of ours, besides the foundation and itself. Who composes (server, cli, testing) may import everything.
ALLOWED: dict[str, set[str]] = {
    "rooms": set(),
    "media": {"_native", "webhooks"},
    "sip": {"_native", "media", "calls"},
    "store": set(),
    "settings": set(),
    "music": set(),
    "demo": set(),
    "webhooks": {"store", "calls"},
    "speech": {"media"},
    "conferences": {"rooms", "media", "store"},
    "calls": {"conferences", "rooms", "media", "speech", "store", "webhooks"},
    "dialects": {"calls", "rooms"},
    "accounts": {"store", "settings"},
    "api": {"calls", "conferences", "rooms", "store", "webhooks", "music", "accounts", "settings", "media"},
}
COMPOSERS = {"server", "cli", "testing", "console"}

SOURCE_LINES_MAX = 600


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, package of ours) of each import."""
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "roomtone" else [f"roomtone.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "roomtone" and len(parts) > 1:
                yield node.lineno, parts[1]


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_one_way(package: str) -> None:
    """A package imports only what stands below it."""
    if package in COMPOSERS or package == "_native":
        return
    allowed = ALLOWED.get(package, set()) | FOUNDATION | {package}
    files = (
        [SOURCE / f"{package}.py"] if (SOURCE / f"{package}.py").exists() else sorted((SOURCE / package).rglob("*.py"))
    )
    wrong = [
        f"{file.relative_to(SOURCE)}:{line} imports roomtone.{name}"
        for file in files
        for line, name in imports(file)
        if name not in allowed
    ]
    assert not wrong, "\n".join(wrong)


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
