"""The code that made the numbers of a report, and reports with a figure that can't be read."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from edgepress_api.report.composing import compose_report
from edgepress_api.report.page import report_html
from edgepress_api.report.records import find_provenance
from edgepress_api.report.steps import ReportedJob, ReportedStep
from edgepress_common.plan import make_plan
from edgepress_common.software import Software
from edgepress_common.steps import find_code_versions
from fakes.extension_program import run_with_extensions
from fakes.jobs import small_spec
from fakes.reported import map_results, reported
from fakes.reports import make_report

SPEC = small_spec(pipelines=[{"name": "base", "exports": ["float32", "int8"]}])
WORKER = Software(edgepress="0.1.0", libraries={"tensorflow": "2.21.0"}, extensions="ab" * 32)


def traced() -> ReportedJob:
    """A job whose int8 file is of another worker than the other steps."""
    job = map_results(reported(SPEC, {}), lambda _, result: result.model_copy(update={"software": WORKER}))
    other = WORKER.model_copy(update={"edgepress": "0.2.0"})
    return map_results(
        job, lambda title, result: result.model_copy(update={"software": other}) if title == "int8" else result
    )


def test_each_number_is_traced_to_its_code() -> None:
    """Stages, exports and devices by name, with versions and software; equal ones are counted."""
    made = find_provenance(traced()).made_by
    assert [(each.kind, each.name, each.code_versions, each.steps) for each in made] == [
        ("pack", "builtin", (1, 1), 1), ("stage", "train", (2, 1), 1), ("export", "float32", (4, 1), 1),
        ("evaluation", "pi", (1, 1), 2), ("export", "int8", (4, 1), 1),
    ]  # fmt: skip
    assert [each.software.edgepress for each in made if each.software] == ["0.1.0"] * 4 + ["0.2.0"]
    page = " ".join(report_html(compose_report(make_report().job, traced()), "").split())
    assert "export int8</dt><dd>code version 4; Edgepress 0.2.0, tensorflow 2.21.0, extensions abababababab; 1" in page


def test_results_of_before_have_no_software() -> None:
    """The versions of their code follow from the keys of their steps."""
    made = find_provenance(reported(SPEC, {})).made_by
    assert {each.software for each in made} == {None}
    assert all(each.code_versions for each in made)


def test_versions_are_those_that_a_step_was_planned_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """The release that writes the report may have others; versions of a later release are unknown."""
    plan = make_plan(SPEC, fingerprint="digits", devices=("pi",))
    export = next(step for step in plan.steps if step.kind == "export")
    monkeypatch.setitem(sys.modules["edgepress_common.steps"].CODE_VERSIONS, "export", 5)
    assert find_code_versions(export.key, export.parameters, export.inputs) == (4, 1)
    monkeypatch.setitem(sys.modules["edgepress_common.steps"].CODE_VERSIONS, "export", 2)
    assert find_code_versions(export.key, export.parameters, export.inputs) is None
    job = reported(SPEC, {})
    changed = replace(job.pipelines[0].steps[-1], key="0" * 64)
    assert isinstance(changed, ReportedStep)
    pipeline = replace(job.pipelines[0], steps=(*job.pipelines[0].steps[:-1], changed))
    unknown = find_provenance(replace(job, pipelines=(pipeline,))).made_by[-1]
    assert unknown.code_versions is None


BROKEN = """
from edgepress_common.figures.figure import Derived, Figure

def _figure(name, compute, **changes):
    return Figure(name=name, title=name, head=name, unit="s", description="d",
                  source=Derived(compute, "nothing"), **changes)

RAISES = _figure("raises", lambda of: 1 / 0)
ENDLESS = _figure("endless", lambda of: float("inf"))
WORDS = _figure("words", lambda of: "many")
HALF = _figure("half", lambda of: 0.5, is_integer=True)
WHOLE = _figure("whole", lambda of: 2.0, is_integer=True)
"""
READ_BROKEN = """
from edgepress_api.report.composing import compose_report
from edgepress_api.report.page import report_html
from edgepress_api.report.table import report_csv
from edgepress_client.cli.report_view import report_table
from fakes.jobs import small_spec
from fakes.reported import reported
from fakes.reports import make_report
from rich.console import Console
spec = small_spec(pipelines=[{"name": "base", "exports": ["float32", "int8"]}])
report = compose_report(make_report().job, reported(spec, {}))
print([(row.raises, row.endless, row.words, row.half, row.whole, row.accuracy) for row in report.rows])
print(*report.cautions, sep="\\n")
assert all(report.cautions[0].split("'")[1] in text for text in (report_html(report, ""), report_csv(report)))
Console(width=200).print(report_table(report, 200))
"""


@pytest.mark.slow
def test_a_figure_that_can_not_be_read_is_missing(tmp_path: Path) -> None:
    """The report has its rows and all other figures, and says which figure is missing and why, in every form."""
    done = run_with_extensions(READ_BROKEN, {"figures/broken.py": BROKEN}, tmp_path)
    assert done.returncode == 0, done.stderr
    rows, *lines = done.stdout.splitlines()
    assert rows == str([(None, None, None, None, 2, 0.75)] * 2)
    finite = "accepted: a finite number, or None where it is unknown"
    declared = "as the figure declares is_integer"
    reasons = {
        "The figure 'raises' is missing in 2 rows: ZeroDivisionError: division by zero.",
        f"The figure 'endless' is missing in 2 rows: ValueError: the value is inf; {finite}.",
        f"The figure 'words' is missing in 2 rows: ValueError: the value is 'many'; {finite}.",
        f"The figure 'half' is missing in 2 rows: ValueError: the value is 0.5; accepted: a whole number, {declared}.",
    }
    assert reasons == set(lines[:4])
    assert all(sentence in " ".join(" ".join(lines[4:]).split()) for sentence in reasons)
    assert "Traceback" in done.stderr
