"""What the documentation shows is true: its specs are accepted, its links lead somewhere, its commands exist."""

import re
from pathlib import Path

import pytest
import yaml

from edgepress_common.spec import JobSpec

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def specs() -> list[tuple[str, str]]:
    """Every spec that is shown: YAML blocks, the README's curl, and example files."""
    found = [(path.name, path.read_text()) for path in sorted((ROOT / "docs" / "examples").glob("*.yaml"))]
    for page in PAGES:
        blocks = re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
        blocks += re.findall(r"--data-binary '\n(.*?)'", page.read_text(), re.DOTALL)
        found += [(f"{page.name} {number}", block) for number, block in enumerate(blocks)]
    return found


@pytest.mark.parametrize(("name", "text"), specs())
def test_a_spec_that_is_shown_is_accepted(name: str, text: str) -> None:
    """Whoever copies it gets a job."""
    JobSpec.model_validate(yaml.safe_load(text))


def test_specs_are_shown_at_all() -> None:
    """The README's, the page on using it, and the examples."""
    assert len(specs()) >= 3


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link within the project is to a file that exists."""
    targets = re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_that_are_named_exist(page: Path) -> None:
    """As in ``make demo``."""
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)`|\$ make ([a-z-]+)", page.read_text())) <= {
        pair for target in known for pair in ((target, ""), ("", target))
    }
