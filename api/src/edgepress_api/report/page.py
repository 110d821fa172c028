"""A report as one HTML page that needs nothing else: to be read on a screen or a phone, saved, or printed."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from edgepress_api.recommendation.wording import CRITERION_WORDS, METHODS, PURPOSES
from edgepress_api.report import words
from edgepress_api.report.charts import curves, final_comparison, latency_spread, trade_off
from edgepress_api.report.charts.curves import training_charts
from edgepress_api.report.charts.files import MARKS, device_files, method_keys
from edgepress_api.report.class_metrics import class_metrics
from edgepress_api.report.document import Report
from edgepress_api.report.groups import pipeline_groups
from edgepress_common.spec import EXPORTS

_MOST_CLASSES = 40  # a confusion matrix of more is a grey square
_RANKED = 15  # candidates that are shown before the rest is folded up


def page_environment() -> Environment:
    """Templates, with what they need to write figures. Everything they are given is escaped."""
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
        "milliseconds": words.milliseconds,
        "duration": words.duration,
        "times": words.times,
        "moment": words.moment,
        "state": words.state,
        "pipelines": words.pipelines,
    }
    return environment


def report_html(report: Report, artifacts_url: str) -> str:
    """The page.

    Args:
        report: What to show.
        artifacts_url: What an artifact's SHA-256 is put behind to fetch it.
    """
    measured = {entry.export for accuracies in report.accuracy_by_export for entry in accuracies.exports}
    return _TEMPLATE.render(
        report=report,
        groups=pipeline_groups(report),
        export_kinds=[kind for kind in EXPORTS if kind in measured],
        artifacts_url=artifacts_url,
        charts={training.step_key: training_charts(training.epochs) for training in report.trainings},
        curves=curves,
        has_matrices=bool(report.rows) and report.dataset is not None and len(report.dataset.classes) <= _MOST_CLASSES,
        class_metrics=class_metrics,
        has_emulated=any(row.emulated for row in report.rows),
        has_throttled=any(row.throttled for row in report.rows),
        has_several_devices=len({row.device for row in report.rows}) > 1,
        has_several_places=len({(row.device, row.threads) for row in report.rows}) > 1,
        **_recommended(report),
        **_drawn(report),
    )


def _recommended(report: Report) -> dict[str, Any]:
    """What the template of the recommendation needs."""
    return {
        "purposes": PURPOSES,
        "methods": METHODS,
        "criteria": CRITERION_WORDS,
        "ranked": _RANKED,
        "recommended": () if report.recommendation is None else report.recommendation.devices,
    }


def _drawn(report: Report) -> dict[str, Any]:
    """What the templates of the charts need."""
    files = device_files(report)
    recommended = {} if report.recommendation is None else {each.device: each for each in report.recommendation.devices}
    exports = {row.export for row in report.rows}
    return {
        "method_keys": method_keys(report.rows),
        "mark_keys": {kind: mark for kind, mark in MARKS.items() if kind in exports},
        "final_comparisons": [final_comparison.final_comparison(each, report.rows) for each in files],
        "final": final_comparison,
        "trade_offs": {
            each.device: trade_off.trade_offs(each, recommended[each.device], report.rows)
            for each in files
            if each.device in recommended
        },
        "trade": trade_off,
        "latency_spreads": latency_spread.latency_spreads(report.rows),
        "spread": latency_spread,
    }


_TEMPLATE = page_environment().get_template("report.html")
