"""The documentation is correct: its specs are accepted, its links exist, its commands exist."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from edgepress_client.cli import app
from edgepress_client.cli.command_group import help_texts
from edgepress_common.failures import FAILURES
from edgepress_common.spec import JobSpec

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SMALLEST = {
    "name": "shown",
    "dataset": {"kind": "builtin", "image_size": 64},
    "model": {"architecture": "resnet18"},
}


def specs() -> list[tuple[str, str]]:
    """Every spec that is shown, or list of a spec's pipelines: YAML blocks, the README's curl, and example files."""
    found = [(path.name, path.read_text()) for path in sorted((ROOT / "docs" / "examples").glob("*.yaml"))]
    for page in PAGES:
        if page.name == "spec.md":
            continue  # parts of a spec; `test_documentation_of_specs` parses each as its own type
        blocks = re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
        blocks += re.findall(r"--data-binary '\n(.*?)'", page.read_text(), re.DOTALL)
        found += [(f"{page.name} {number}", block) for number, block in enumerate(blocks)]
    return found


@pytest.mark.parametrize(("name", "text"), specs())
def test_a_spec_that_is_shown_is_accepted(name: str, text: str) -> None:
    """A reader can submit the spec unchanged."""
    content = yaml.safe_load(text)
    JobSpec.model_validate(SMALLEST | {"pipelines": content} if isinstance(content, list) else content)


def test_specs_are_shown_at_all() -> None:
    """The README's, the page on using it, and the examples."""
    assert len(specs()) >= 3


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link within the project is to a file that exists, and to a heading that is in it."""
    for target, anchor in re.findall(r"\]\((?!https?://)([^)#]*)#?([^)]*)\)", page.read_text()):
        linked = page.parent / target if target else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), (target, anchor)


def anchors(page: Path) -> set[str]:
    """Return the link targets of a page: its headings, as GitHub writes them in addresses."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_that_are_named_exist(page: Path) -> None:
    """Each ``make TARGET`` in the text is a target of the Makefile."""
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)`|\$ make ([a-z-]+)", page.read_text())) <= {
        pair for target in known for pair in ((target, ""), ("", target))
    }


def options_of_commands() -> dict[str, set[str]]:
    """Return the options of each command of the command line."""
    group: Any = typer.main.get_command(app)
    context = group.make_context("edgepress", ["jobs"], resilient_parsing=True)
    return {
        name: {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        for name, command in help_texts(group, context)
        if not hasattr(command, "commands")
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_are_shown_exist(page: Path) -> None:
    """Each ``$ edgepress ...`` in a block is a command with these options."""
    known = options_of_commands()
    for block in re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL):
        for line in re.findall(r"^\$ (?:\S*/)?edgepress (.*)$", block, re.MULTILINE):
            words = shlex.split(line, comments=True)
            name = next((name for name in (" ".join(words[:2]), words[0]) if name in known), None)
            if words[0].startswith("-"):
                continue  # an option of the command line as a whole
            assert name is not None, line
            options = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
            assert options <= known[name] | {"-h", "--help"}, line


def test_the_table_of_failure_codes_is_the_programs_own() -> None:
    """Each code has its meaning, whether the step is tried again, and what to do, in the same order."""
    text = (ROOT / "docs" / "using.md").read_text()
    shown = re.findall(r"^\| `([a-z_]+)` \| (.+) \| (yes|no) \| (.+) \|$", text, re.MULTILINE)
    assert shown == [
        (code, kind.meaning, "yes" if kind.retryable else "no", kind.advice) for code, kind in FAILURES.items()
    ]
