"""`edgepress templates`."""

import json

import httpx

from edgepress_common.answers.templates import JobTemplate, TemplateList
from fakes.command_line import Ran, run_command
from fakes.job_gateway import FakeGateway

TEXT = "name: first look # a comment\n"
FIRST = JobTemplate(name="first-look", title="A first look", summary="Trains.", text=TEXT, spec={"name": "first look"})


def run(*arguments: str) -> Ran:
    """Run the command against a gateway with one template."""
    listed = httpx.Response(200, content=TemplateList(templates=(FIRST,)).model_dump_json())
    return run_command(FakeGateway(answers={("GET", "/v1/templates"): listed}), ["templates", *arguments])


def test_templates_are_listed_with_what_they_are_for() -> None:
    """The list is a table, or JSON for programs."""
    assert "first-look" in run().out
    assert "A first look" in run().out
    assert json.loads(run("--json").out)["templates"][0]["spec"] == {"name": "first look"}


def test_a_template_is_printed_as_it_is() -> None:
    """With its comments, and nothing else, so that it can be redirected to a file."""
    assert run("first-look").out == TEXT
    assert json.loads(run("first-look", "--json").out)["text"] == TEXT


def test_an_unknown_template_names_those_that_exist() -> None:
    """With the exit code of what is not found."""
    ran = run("second-look")
    assert ran.exit_code == 4
    assert "no template 'second-look'; accepted: first-look" in ran.err
