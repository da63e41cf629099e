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
