"""The page on reliability names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_test_that_the_page_names_exists() -> None:
    """A test function, or a file; renaming one changes the page."""
    page = (ROOT / "docs" / "reliability.md").read_text()
    files = list((ROOT / "tests").rglob("*.py"))
    found = {path.name for path in files}
    for path in files:
        found |= set(re.findall(r"^ *def (test_\w+)\(", path.read_text(), re.MULTILINE))
    named = set(re.findall(r"`(?:tests/[\w/]+/)?(test_\w+(?:\.py)?)`", page))
    assert len(named) > 60
    assert named - found == set()
