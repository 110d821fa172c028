"""The charts of a report, by section and device."""

from edgepress_api.report.charts.files import device_files
from edgepress_api.report.charts.final_comparison import final_comparison
from edgepress_api.report.charts.latency_spread import latency_spreads
from edgepress_api.report.charts.trade_off import trade_offs
from edgepress_common.answers.charts import Chart, JobCharts
from edgepress_common.answers.report import Report

ByDevice = dict[str, tuple[Chart, ...]]


def job_charts(report: Report) -> JobCharts:
    """Return the charts of a report, without those of trainings, whose epochs the steps have."""
    by_device = (*trade_off_sections(report).values(), *final_sections(report).values())
    return JobCharts(charts=(*(chart for charts in by_device for chart in charts), *latency_spreads(report.rows)))


def final_sections(report: Report) -> ByDevice:
    """Return the final comparison of each device."""
    accuracies = {found.pipeline: found.keras_accuracy for found in report.accuracy_by_export}
    return {each.device: final_comparison(each, report.rows, accuracies) for each in device_files(report)}


def trade_off_sections(report: Report) -> ByDevice:
    """Return the trade-offs of each device for which there is a recommendation."""
    recommended = {} if report.recommendation is None else {each.device: each for each in report.recommendation.devices}
    return {
        each.device: trade_offs(each, recommended[each.device], report.rows)
        for each in device_files(report)
        if each.device in recommended
    }
