"""The comparison that a job ends in: what each pipeline, export and device gave, and what it cost.

``document`` is what a report says; ``rows``, ``baselines``, ``study_tables`` and ``records`` work it out from
``steps``, and ``composing`` puts that together; ``building`` fetches the steps; ``table`` and ``page`` write a report
as CSV and HTML.
"""

from edgepress_api.report.document import Report, ReportRow

__all__ = ["Report", "ReportRow"]
