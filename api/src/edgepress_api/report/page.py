"""A report as one HTML page that needs nothing else: to be read on a screen or a phone, saved, or printed."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from edgepress_api.report import words
from edgepress_api.report.curves import HEIGHT, WIDTH, training_charts
from edgepress_api.report.document import Report
from edgepress_api.report.groups import pipeline_groups
from edgepress_common.spec import EXPORTS

_MOST_CLASSES = 40  # a confusion matrix of more is a grey square


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
        chart_width=WIDTH,
        chart_height=HEIGHT,
        has_matrices=bool(report.rows) and report.dataset is not None and len(report.dataset.classes) <= _MOST_CLASSES,
        has_emulated=any(row.emulated for row in report.rows),
        has_throttled=any(row.throttled for row in report.rows),
        has_several_devices=len({row.device for row in report.rows}) > 1,
        has_several_places=len({(row.device, row.threads) for row in report.rows}) > 1,
    )


_TEMPLATE = page_environment().get_template("report.html")
