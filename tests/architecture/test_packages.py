"""Every member is a package that can be published, and the version is declared in one place."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import edgepress_common

ROOT = Path(__file__).parents[2]
DEPLOYMENT_FILES = [
    *ROOT.glob("*/Dockerfile"),
    *ROOT.glob("docker-*"),
    *ROOT.glob("*/compose.yml"),
    *ROOT.glob("deploy/*.yml"),
    ROOT / ".env.example",
]


def read(path: Path) -> dict[str, Any]:
    """The content of a pyproject.toml."""
    return tomllib.loads(path.read_text())


WORKSPACE: list[str] = read(ROOT / "pyproject.toml")["tool"]["uv"]["workspace"]["members"]
MEMBERS = {name: read(ROOT / name / "pyproject.toml") for name in WORKSPACE}
VERSION: str = MEMBERS["common"]["project"]["version"]
each_member = pytest.mark.parametrize("member", MEMBERS)


def test_the_members_are_those_of_the_makefile() -> None:
    """The Makefile and the workspace name the same folders."""
    (members,) = re.findall(r"^MEMBERS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert members.split() == WORKSPACE


@each_member
def test_the_version_is_declared_in_common_alone(member: str) -> None:
    """The other members take it from there when they are built."""
    project, hatch = MEMBERS[member]["project"], MEMBERS[member]["tool"]["hatch"]
    if member == "common":
        assert "dynamic" not in project
        return
    assert "version" not in project, f"{member}/pyproject.toml has a version; it belongs in common/pyproject.toml"
    assert project["dynamic"] == ["version"]
    assert hatch["version"]["path"] == "../common/pyproject.toml"
    (found,) = re.findall(hatch["version"]["pattern"], (ROOT / "common" / "pyproject.toml").read_text())
    assert found == VERSION


@each_member
def test_members_need_one_another_in_the_same_version(member: str) -> None:
    """Packages of two releases are never installed together."""
    project = MEMBERS[member]["project"]
    needed = [*project["dependencies"], *(line for group in extras(project).values() for line in group)]
    own = [line for line in needed if line.startswith("edgepress-")]
    assert all(line.endswith(f"=={VERSION}") for line in own), (
        f"{member}/pyproject.toml needs {own}; each has to end in =={VERSION}: run `make version VERSION={VERSION}`"
    )


@each_member
def test_a_member_has_the_metadata_that_is_published(member: str) -> None:
    """Name, summary, description, licence, authors, keywords, classifiers, and the same links everywhere."""
    project = MEMBERS[member]["project"]
    assert project["name"] == f"edgepress-{member}"
    assert 40 < len(project["description"]) < 150
    assert project["readme"]["content-type"] == "text/markdown"
    assert project["readme"]["text"].strip().startswith(f"# edgepress-{member}\n")
    assert project["license"] == "Apache-2.0"
    assert MEMBERS[member]["tool"]["hatch"]["build"]["targets"]["sdist"]["force-include"] == {"../LICENSE": "LICENSE"}
    assert project["authors"] == MEMBERS["common"]["project"]["authors"]
    assert len(project["keywords"]) >= 3
    assert "Typing :: Typed" in project["classifiers"]
    assert (ROOT / member / "src" / f"edgepress_{member}" / "py.typed").exists()
    assert set(project["urls"]) >= {"Repository", "Documentation", "Changelog", "Issues"}
    assert project["urls"] == MEMBERS["common"]["project"]["urls"]


def test_the_program_has_the_version_of_its_package() -> None:
    """The API and reports show the installed version."""
    assert edgepress_common.__version__ == VERSION


def test_the_changelog_begins_with_this_version() -> None:
    """Its newest section is for the version that is being built."""
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == VERSION


@pytest.mark.parametrize("path", DEPLOYMENT_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_images_take_version_and_revision_when_they_are_built(path: Path) -> None:
    """Files for images name no version: it is a build argument, ``dev`` unless it is given."""
    text = path.read_text()
    assert VERSION not in re.sub(r"\d+\.\d+\.\d+\.\d+(/\d+)?", "", text)
    if path.name == "Dockerfile":
        assert "ARG VERSION=dev\nARG REVISION=unknown\n" in text
        assert 'image.version="${VERSION}"' in text
        assert 'image.revision="${REVISION}"' in text
    assert set(re.findall(r"EDGEPRESS_VERSION(?::-|\" \{ default = \"|=)(\w+)", text)) <= {"dev"}


def extras(project: dict[str, Any]) -> dict[str, list[str]]:
    """The optional dependencies of a member, by their group."""
    found: dict[str, list[str]] = project.get("optional-dependencies", {})
    return found
