"""Declarations of figures: what is built from them agrees with them, and what can't be used is refused."""

import ast
import importlib
from pathlib import Path

import pytest
from pydantic import BaseModel

from edgepress_common.answers.report import ReportRow
from edgepress_common.answers.report.rows import ROW_FIGURES
from edgepress_common.figures.declared import FIGURES
from edgepress_common.figures.figure import FieldPart, Measured
from edgepress_common.figures.objectives import OBJECTIVES
from edgepress_common.figures.tables import page_columns, terminal_columns, terminal_head
from edgepress_common.results import EvaluationResult, ExportResult, StageResult, ThreadMeasurement
from fakes.extension_program import run_with_extensions

RESULTS: dict[str, type[BaseModel]] = {
    "stage": StageResult,
    "export": ExportResult,
    "evaluation": EvaluationResult,
    "threads": ThreadMeasurement,
}


@pytest.mark.parametrize(
    "module",
    [
        "edgepress_common.spec.goals",
        "edgepress_common.answers.report.rows",
        "edgepress_common.answers.recommendation",
        "edgepress_common.answers.comparison",
    ],
)
def test_types_for_mypy_agree_with_the_declarations(module: str) -> None:
    """Each field that a class has under TYPE_CHECKING is one of the actual class."""
    imported = importlib.import_module(module)
    assert imported.__file__ is not None
    tree = ast.parse(Path(imported.__file__).read_text())
    (branch,) = (each for each in tree.body if isinstance(each, ast.If))
    classes = [each for each in branch.body if isinstance(each, ast.ClassDef)]
    assert classes
    for each in classes:
        fields = {
            each.target.id
            for each in each.body
            if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
        }
        assert fields
        assert fields <= set(getattr(imported, each.name).model_fields)


def test_every_figure_has_a_place_in_the_row() -> None:
    """It is a field with its description, or a part of one."""
    for name, figure in FIGURES.items():
        field = ReportRow.model_fields[name.partition(".")[0]]
        assert isinstance(figure.source, FieldPart) == ("." in name)
        if name in ROW_FIGURES:
            assert field.description == figure.description
            assert field.is_required() == figure.is_always_known


def test_figures_of_edgepress_are_fields_of_results() -> None:
    """They can't be missing; other figures come with a file that measures them."""
    for name, figure in FIGURES.items():
        if isinstance(figure.source, Measured):
            assert name in RESULTS[figure.source.by].model_fields, f"{name} has no field in the result"


def test_limits_and_weights_keep_their_names() -> None:
    """Specs that are stored have them."""
    assert {name: (each.limit, each.goal.field) for name, each in OBJECTIVES.items()} == {
        "accuracy": ("max_accuracy_drop", "accuracy"),
        "latency": ("max_latency_ms", "latency_ms"),
        "size": ("max_size_bytes", "size_bytes"),
        "zip": ("max_zip_bytes", "zip_bytes"),
        "coded": ("max_coded_bytes", "coded_bytes"),
        "balanced_accuracy": ("min_balanced_accuracy", "balanced_accuracy"),
        "f1": ("min_f1", "f1"),
        "macs": ("max_macs", "macs"),
        "weights": ("max_weights", "weights"),
        "energy": ("max_energy_mj", "energy_mj"),
        "worst_class_recall": ("min_worst_class_recall", "worst_class_recall"),
    }


def test_tables_have_their_figures_in_order() -> None:
    """Columns of a group stand together; a narrow terminal has the first of a wide one."""
    groups = [each.page.group for each in page_columns() if each.page is not None]
    assert len(list(dict.fromkeys(groups))) == sum(a != b for a, b in zip(groups, [None, *groups[:-1]], strict=True))
    narrow, wide = (terminal_columns(is_wide=is_wide) for is_wide in (False, True))
    assert wide[: len(narrow)] == narrow
    assert [terminal_head(each) for each in wide] == [
        "acc\n%", "p50\nms", "p90\nms", "total\ns", "size\nMB", "zip\nMB", "coded\nMB", "times\nsmaller",
        "float\nops", "zip\ntimes", "zeros\n%", "values", "energy\nmJ",
    ]  # fmt: skip


DECLARATION = """
from edgepress_common.figures.figure import Figure, Measured
ONE = Figure(name="{name}", title="t", head="h", unit="s", description="d", source=Measured("{by}"))
"""

ALWAYS = DECLARATION.format(name="toy", by="export").replace("Figure(", "Figure(is_always_known=True, ")

TEMPTING = """
from edgepress_common.figures.figure import Derived, Figure, Goal
ONE = Figure(name="test_toy", title="t", head="h", unit="share", description="d", split="test",
             source=Derived(lambda of: of.evaluation.test.accuracy, "test"),
             goal=Goal(criterion="toy", field="toy", title="toy"))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "imported", "message"),
    [
        ({"figures/toy.py": ""}, "edgepress_common.spec", "toy.py: declares no Figure; accepted: at least one"),
        ({"figures/toy.py": "1 / 0"}, "edgepress_common.spec", "toy.py: ZeroDivisionError: division by zero"),
        ({"figures/toy.py": DECLARATION.format(name="accuracy", by="export")}, "edgepress_common.spec",
         "figures declare the name 'accuracy' twice; accepted: once"),
        ({"figures/toy.py": TEMPTING}, "edgepress_common.spec",
         "the figure 'test_toy' has a goal; accepted: a figure that is not of the test split"),
        ({"figures/toy.py": ALWAYS},
         "edgepress_common.spec", "toy.py: the figure 'toy' has is_always_known=True; accepted in an extension folder"),
        ({"figures/accuracy.py": DECLARATION.format(name="toy", by="export")}, "edgepress_common.spec",
         "already declares"),
        ({"evaluator/figures/toy.py": "measure = len"}, "edgepress_evaluator.measure.figures",
         "evaluator/figures/toy.py: no figure 'toy' is declared with source Measured('evaluation')"),
        ({"figures/toy.py": DECLARATION.format(name="toy", by="export"), "evaluator/figures/toy.py": "measure = len"},
         "edgepress_evaluator.measure.figures", "no figure 'toy' is declared with source Measured('evaluation')"),
        ({"figures/toy.py": DECLARATION.format(name="toy", by="threads"), "evaluator/thread_figures/toy.py": ""},
         "edgepress_evaluator.measure.thread_figures", "thread_figures/toy.py: AttributeError"),
    ],
)  # fmt: skip
def test_a_declaration_that_can_not_be_used_is_refused(
    tmp_path: Path, files: dict[str, str], imported: str, message: str
) -> None:
    """The error occurs at import, and names its file."""
    pytest.importorskip(imported.partition(".")[0])
    done = run_with_extensions(f"import {imported}", files, tmp_path)
    assert done.returncode != 0
    assert message in done.stderr.splitlines()[-1]
