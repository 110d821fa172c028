"""docs/figures.md is what the declarations of the figures say."""

from pathlib import Path

from edgepress_common.figures.documentation import figures_page

PAGE = Path(__file__).parents[2] / "docs" / "figures.md"


def test_the_page_of_figures_is_current() -> None:
    """It is generated, and committed."""
    assert PAGE.read_text() == figures_page(), "docs/figures.md is not current: run 'make docs' and commit it"
