"""Workflows and hooks call commands that exist, and run nothing of others that could change unseen."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)


def read(path: Path) -> dict[str, Any]:
    """The content of a workflow; YAML 1.1 reads the key ``on`` as true, which does not matter here."""
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    return content


@each_workflow
def test_actions_are_pinned_to_a_commit(path: Path) -> None:
    """Actions are named by all 40 digits with the version in a comment, or are workflows of this repository."""
    used = re.findall(r"uses: (.*)$", path.read_text(), re.MULTILINE)
    assert used
    for action in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+|\./\.github/workflows/\w+\.yml", action), action


@each_workflow
def test_jobs_may_only_read_unless_they_say_otherwise(path: Path) -> None:
    """The default token reads the repository; a job that needs more lists it. Every job has a time limit."""
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert "uses" in job or job["timeout-minutes"] <= 60, name


def test_make_targets_of_workflows_and_hooks_exist() -> None:
    """Every ``make ...`` that they run, those of a matrix included."""
    files = [*WORKFLOWS, ROOT / ".pre-commit-config.yaml", ROOT / ".ci" / "run"]
    text = "\n".join(path.read_text() for path in files)
    named = set(re.findall(r"\bmake (?:--[\w-]+ )*([a-z][a-z-]*)", text)) | set(re.findall(r"target: ([a-z-]+)", text))
    assert {"check", "test", "test-unit", "dist"} <= named
    assert named <= TARGETS


def test_hooks_use_the_tools_that_are_locked() -> None:
    """pre-commit downloads nothing: every hook is a command of this repository."""
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    for hook in config["repos"][0]["hooks"]:
        assert hook["language"] == "system"
        assert hook["entry"].startswith((".venv/bin/", "make "))
