"""A report as one self-contained HTML page, to read on a screen or a phone, to save or to print."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from edgepress_api.recommendation.wording import limit_words
from edgepress_api.report import words
from edgepress_api.report.charts.curves import student_chart, training_charts
from edgepress_api.report.charts.files import MARKS, method_colours
from edgepress_api.report.charts.latency_spread import latency_spreads
from edgepress_api.report.charts.parallel_picture import parallel_picture
from edgepress_api.report.charts.picture import picture
from edgepress_api.report.charts.search import TRIAL_COLOURS
from edgepress_api.report.charts.sections import final_sections, trade_off_sections
from edgepress_api.report.class_metrics import class_metrics
from edgepress_api.report.groups import pipeline_groups
from edgepress_api.report.search import ReportedSearch
from edgepress_api.report.splits import measured_splits
from edgepress_common.answers.report import Report
from edgepress_common.figures.declared import FIGURES
from edgepress_common.figures.figure import Figure
from edgepress_common.figures.formats import significant
from edgepress_common.figures.objectives import OBJECTIVES, told_against_accuracy
from edgepress_common.figures.tables import page_columns
from edgepress_common.recommendation_words import CRITERION_WORDS, PURPOSES, RANKING_TITLES
from edgepress_common.spec import EXPORTS

_MOST_CLASSES = 40  # a confusion matrix of more is a grey square
_RANKED = 15  # candidates that are shown without opening the full list


def page_environment() -> Environment:
    """Return the environment of the templates, with the filters that format values. All values are escaped."""
    environment = Environment(
        loader=PackageLoader("edgepress_api.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {
        "percent": words.percent,
        "points": words.points,
        "size": words.size,
        "significant": significant,
        "duration": words.duration,
        "times": words.times,
        "moment": words.moment,
        "state": words.state,
        "pipelines": words.pipelines,
        "groupby_consecutive": _by_group,
    }
    return environment


def report_html(
    report: Report, artifacts_url: str, *, search: ReportedSearch | None = None, scripts: Sequence[str] = ()
) -> str:
    """Return the page of a report.

    Args:
        report: The report.
        artifacts_url: URL of artifacts, to which an artifact's SHA-256 is appended.
        search: The job's search; None without one.
        scripts: Scripts of the page, which draw its charts; without them, it shows static pictures.
    """
    measured = {entry.export for accuracies in report.accuracy_by_export for entry in accuracies.exports}
    return _TEMPLATE.render(
        report=report,
        groups=pipeline_groups(report),
        figures=FIGURES,
        page_columns=page_columns(report.rows, has_test=report.has_test_split),
        export_kinds=[kind for kind in EXPORTS if kind in measured],
        artifacts_url=artifacts_url,
        charts={training.step_key: training_charts(training.epochs) for training in report.trainings},
        student_chart=student_chart(report.trainings),
        search=search,
        objectives=OBJECTIVES,
        scripts=scripts,
        has_matrices=bool(report.rows) and report.dataset is not None and len(report.dataset.classes) <= _MOST_CLASSES,
        class_metrics=class_metrics,
        measured_splits=measured_splits,
        has_emulated=any(row.emulated for row in report.rows),
        has_throttled=any(row.throttled for row in report.rows),
        has_several_devices=len({row.device for row in report.rows}) > 1,
        has_several_places=len({(row.device, row.threads) for row in report.rows}) > 1,
        **_recommended(report),
        **_drawn(report),
    )


def _by_group(columns: Sequence[Figure]) -> list[tuple[str, list[Figure]]]:
    """Return the groups of columns, each with its title."""
    return [
        (title, list(members)) for title, members in groupby(columns, key=lambda each: each.page and each.page.group)
    ]


def _recommended(report: Report) -> dict[str, Any]:
    """Return the variables of the recommendation's template."""
    return {
        "purposes": PURPOSES,
        "methods": RANKING_TITLES,
        "criteria": CRITERION_WORDS,
        "told_against_accuracy": told_against_accuracy,
        "limit_words": limit_words,
        "ranked": _RANKED,
        "recommended": () if report.recommendation is None else report.recommendation.devices,
    }


def _drawn(report: Report) -> dict[str, Any]:
    """Return the variables of the charts' templates."""
    exports = {row.export for row in report.rows}
    return {
        "picture": picture,
        "parallel_picture": parallel_picture,
        "trial_colours": TRIAL_COLOURS,
        "method_colours": method_colours(report.rows),
        "mark_keys": {kind: mark for kind, mark in MARKS.items() if kind in exports},
        "final_comparisons": final_sections(report),
        "trade_offs": trade_off_sections(report),
        "latency_spreads": latency_spreads(report.rows),
    }


_TEMPLATE = page_environment().get_template("report.html")
