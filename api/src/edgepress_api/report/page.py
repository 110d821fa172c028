"""A report as one HTML page that needs nothing else: to be read on a screen or a phone, saved, or printed."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from edgepress_api.report import words
from edgepress_api.report.curves import HEIGHT, WIDTH, training_charts
from edgepress_api.report.document import Report, ReportRow

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
    }
    return environment


def report_html(report: Report, artifacts_url: str) -> str:
    """The page.

    Args:
        report: What to show.
        artifacts_url: What an artifact's SHA-256 is put behind to fetch it.
    """
    return _TEMPLATE.render(
        report=report,
        artifacts_url=artifacts_url,
        charts={training.step_key: training_charts(training.epochs) for training in report.trainings},
        chart_width=WIDTH,
        chart_height=HEIGHT,
        matrices=_matrices(report),
        has_emulated=any(row.emulated for row in report.rows),
        has_throttled=any(row.throttled for row in report.rows),
    )


_TEMPLATE = page_environment().get_template("report.html")


def _matrices(report: Report) -> list[ReportRow]:
    """The rows whose confusion matrices are shown: one for each file, since devices and threads hardly differ."""
    if report.dataset is None or len(report.dataset.classes) > _MOST_CLASSES:
        return []
    return list({(row.pipeline, row.export): row for row in reversed(report.rows)}.values())[::-1]
