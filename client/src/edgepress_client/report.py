"""A job's report, with conversion to pandas."""

from typing import Any

from edgepress_client.errors import MissingLibraryError
from edgepress_common.answers.report import Report


class JobReport(Report):
    """The report of a job. ``rows`` has an entry for each file, device and number of threads."""

    def to_pandas(self) -> Any:
        """Return the rows as a `pandas.DataFrame`; nested fields are columns such as ``latency_ms.p50``.

        Raises:
            MissingLibraryError: pandas is not installed.
        """
        try:
            import pandas  # noqa: ICN001, PLC0415 - optional
        except ImportError as error:
            raise MissingLibraryError(
                "to_pandas() needs pandas, which is not installed; install it with: pip install "
                "'edgepress-client[pandas]'"
            ) from error
        return pandas.json_normalize([row.model_dump(mode="json") for row in self.rows])
