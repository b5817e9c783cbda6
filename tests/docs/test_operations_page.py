"""docs/operations.md: every variable, who reads it, and links that lead somewhere."""

import re
from pathlib import Path

import pytest

from api.main import create_app
from docs.generate import NOBODY
from settings import Settings
from standalone.process import ROOT

DOCS = ROOT / "docs"
PAGE = (DOCS / "operations.md").read_text()
ROW = re.compile(r"^\| `STILLHOUSE_(\w+)` \| (x?) ?\| (x?) ?\|", re.MULTILINE)
LINK = re.compile(r"\]\(([\w./-]*)(?:#([\w-]+))?\)")
FOLDERS = {"api": ("api",), "worker": ("workers",)}


def reads(folders: tuple[str, ...], name: str) -> bool:
    """Whether code in these folders mentions a setting."""
    word = re.compile(rf"\.{name}\b")
    return any(word.search(path.read_text()) for folder in folders for path in (ROOT / folder).rglob("*.py"))


def test_every_variable_with_who_reads_it() -> None:
    told = {name.lower(): (bool(api), bool(worker)) for name, api, worker in ROW.findall(PAGE)}
    read = {name: (reads(FOLDERS["api"], name), reads(FOLDERS["worker"], name)) for name in Settings.model_fields}
    assert told == read


def test_every_other_variable_that_is_read_is_named() -> None:
    """Those of clients, of `up`, of benchmarks and of the compose file."""
    sources = [*ROOT.glob("sdk/src/**/*.py"), *ROOT.glob("standalone/*.py"), *ROOT.glob("benchmarks/*.py")]
    sources += [ROOT / "docker-compose.yml", ROOT / "Makefile"]
    found = {name for path in sources for name in re.findall(r"\bSTILLHOUSE_[A-Z0-9_]+[A-Z0-9]\b", path.read_text())}
    assert sorted(name for name in found if name not in PAGE) == []


def test_every_metric_that_is_named_is_there() -> None:
    named = set(re.findall(r"`(stillhouse_\w+)", PAGE))
    source = "".join((ROOT / "api" / name).read_text() for name in ("metrics.py", "health/routes.py"))
    assert named == {
        f"{name}_total" if name == "stillhouse_requests" else name for name in re.findall(r'"(stillhouse_\w+)"', source)
    }


@pytest.mark.parametrize("page", sorted([*DOCS.glob("*.md"), *ROOT.glob("*.md")]), ids=lambda path: path.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text()):
        found = (page.parent / target) if target else page
        assert found.exists(), target
        if anchor and found.suffix == ".md":
            assert anchor in anchors(found), f"{target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_routes_that_are_named_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NOBODY.items():
        monkeypatch.setenv(f"STILLHOUSE_{name}", value)
    paths = {re.sub(r"\{\w+\}", "{id}", path) for path in create_app().openapi()["paths"]}
    for route in re.findall(r"`(?:GET|POST|DELETE) (/[^`?]*)", PAGE):
        assert route.rstrip("/") in paths, route
