"""Every path that docs/architecture.md names exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
FOLDERS = ("common", "client", "api", "worker", "evaluator", "tests", "docs")


def named_paths() -> list[str]:
    """Return the paths in backticks that begin with a folder of the repository."""
    return sorted(set(re.findall(rf"`((?:{'|'.join(FOLDERS)})/[^`\s]+)`", PAGE.read_text())))


def expanded(path: str) -> str:
    """Return a path as a glob: ``api/...`` is the package in ``api/src``, ``<kind>`` any name."""
    member = path.partition("/")[0]
    return re.sub(r"<\w+>", "*", path.replace("/.../", f"/src/edgepress_{member}/"))


@pytest.mark.parametrize("path", named_paths())
def test_a_path_on_the_page_exists(path: str) -> None:
    """A file or folder that is renamed or moved is changed on the page, too."""
    assert list(ROOT.glob(expanded(path).rstrip("/"))), path


def test_the_page_names_the_files_of_every_package() -> None:
    """The page walks through each package, so the test above checks paths of each."""
    assert {path.partition("/")[0] for path in named_paths()} >= {"common", "client", "api", "worker", "evaluator"}


def test_a_path_that_does_not_exist_is_found() -> None:
    """The expansion does not match everything."""
    assert not list(ROOT.glob(expanded("api/.../missing.py")))
    assert not list(ROOT.glob(expanded("worker/.../methods/<kind>.js")))
