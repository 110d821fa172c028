"""The report of a job: the results of each pipeline, export and device, and their costs.

``rows``, ``baselines``, ``study_tables`` and ``records`` derive the parts of a report from ``steps``; ``composing``
puts them together; ``building`` fetches the steps; ``table`` and ``page`` write a report as CSV and HTML.
"""

from edgepress_common.answers.report import Report, ReportRow

__all__ = ["Report", "ReportRow"]
