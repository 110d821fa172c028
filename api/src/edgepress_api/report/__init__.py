"""The comparison that a job ends in: what each pipeline, export and device gave, and what it cost.

``document`` is what a report says; ``rows``, ``baselines`` and ``records`` work it out from ``steps``; ``building``
fetches those; ``table`` and ``page`` write it as CSV and HTML.
"""

from edgepress_api.report.document import Report, ReportRow

__all__ = ["Report", "ReportRow"]
