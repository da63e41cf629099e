"""What the docs show of code is there."""

import re

import pytest
from conftest import ROOT

EXAMPLE = ROOT / "examples" / "backend-plugin"


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(),
                      re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("language,file", [
    ("cpp", EXAMPLE / "ExampleBackend.cpp"),
    ("cmake", EXAMPLE / "CMakeLists.txt")])
def test_new_backend_shows_the_example(language, file):
    shown = blocks(ROOT / "docs" / "new-backend.md", language)
    assert shown
    for block in shown:
        assert block in file.read_text()


def test_pages_that_are_linked_exist():
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)[^)]*\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_folders_include_only_from_rows_above():
    """The order of docs/architecture.md, but for the format of artifacts."""
    table = (ROOT / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| `(\w+)(?:/<Name>)?` \|", table, re.MULTILINE)
    assert {"IR", "Lower", "Backends", "Runtime"} <= set(rows)
    wrong = []
    for base in (ROOT / "include" / "llmc", ROOT / "lib"):
        for path in base.rglob("*"):
            folder = path.relative_to(base).parts[0]
            if folder not in rows or path.suffix not in (".h", ".cpp", ".td"):
                continue
            for header in re.findall(r'include "llmc/(\S+)"', path.read_text()):
                other = header.split("/")[0]
                if (other in rows and header != "Runtime/ArtifactFormat.h"
                        and rows.index(other) > rows.index(folder)):
                    wrong.append(f"{path.relative_to(ROOT)}: {header}")
    assert wrong == []
