"""The pages of the dashboard: their paths and templates. The script of a page reads the names in its path."""

import re

DASHBOARD_PAGES = {
    "/": "jobs.html",
    "/new": "new_job.html",
    "/jobs/{job_id}": "job.html",
    "/jobs/{job_id}/models/{sha256}": "model.html",
    "/jobs/{job_id}/search": "search.html",
    "/jobs/{job_id}/models/{sha256}/errors": "errors.html",
    "/jobs/{job_id}/data": "data.html",
    "/datasets/{sha256}": "data.html",
    "/devices": "devices.html",
    "/compare": "compare.html",
    "/comparisons/{comparison_id}": "compare.html",
}

_PATHS = re.compile("|".join(re.sub(r"\{\w+\}", "[^/]+", path) for path in (*DASHBOARD_PAGES, "/static/{name}")))


def is_dashboard(path: str) -> bool:
    """Return whether a path is that of a page of the dashboard, or of a file that its pages load."""
    return _PATHS.fullmatch(path) is not None
