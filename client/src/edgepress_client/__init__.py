"""The Python client of Edgepress: a typed interface to the whole API.

::

    from edgepress_client import Client

    with Client("http://127.0.0.1:8000") as client:
        job = client.jobs.submit("job.yaml")
        job.wait()
        print(job.report().rows)

`Client` has an attribute for each resource of the API; `Job` is a handle of one job. `errors` defines the errors;
responses are types of ``edgepress_common.answers``. The command line, `edgepress_client.cli`, uses this client.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from edgepress_client.client import Client
from edgepress_common import __version__

if TYPE_CHECKING:
    from edgepress_client.job import Job
    from edgepress_client.report import JobReport

__all__ = ["Client", "Job", "JobReport", "__version__"]


_LAZY = {"Job": "edgepress_client.job", "JobReport": "edgepress_client.report"}


def __getattr__(name: str) -> Any:
    """Import the types of responses on first use: they take longer than the rest of the package."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
