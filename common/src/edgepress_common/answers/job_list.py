"""Jobs in a list. These types need neither specs, plans nor results, so a client lists jobs at once."""

from datetime import datetime
from typing import Literal

from pydantic import computed_field

from edgepress_common.answers.users import LOCAL_USER, UserName
from edgepress_common.frozen import Message, added_field
from edgepress_common.text import HarmlessText

JobState = Literal["queued", "running", "succeeded", "partly_succeeded", "failed", "cancelled"]
ACTIVE_STATES: tuple[JobState, ...] = ("queued", "running")


class ImportedFrom(Message):
    """Where a job was imported from, as its archive says.

    Attributes:
        server: Address of the server that ran the job.
        job_id: Id of the job there.
        exported_at: When the archive was made.
        edgepress: Version of Edgepress that made it.
        devices: Names of that server's devices that have measured the files, with their boards.
    """

    server: HarmlessText
    job_id: HarmlessText
    exported_at: datetime
    edgepress: HarmlessText
    devices: tuple[HarmlessText, ...] = ()

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorators of properties
    @property
    def words(self) -> str:
        """The same in sentences."""
        measured = (
            f" The devices that measured it are that server's: {', '.join(self.devices)}." if self.devices else ""
        )
        return (
            f"This job was imported from {self.server}, where it is {self.job_id}.{measured} Its figures are what its "
            "archive says."
        )


FacetKind = Literal["project", "tag", "network", "dataset", "device"]


class JobSummary(Message):
    """A job in a list. ``project`` and ``tags`` are its current ones, which may differ from those of its spec.

    Attributes:
        imported: Where the job was imported from; None for a job of this server.
    """

    id: str
    name: str
    owner: UserName = LOCAL_USER
    state: JobState
    created_at: datetime
    finished_at: datetime | None
    error: str | None
    project: str | None = added_field(None)
    tags: tuple[str, ...] = added_field(())
    imported: ImportedFrom | None = added_field(None)


class JobPage(Message):
    """A page of jobs, newest first. ``next_page_token`` is None on the last page."""

    jobs: tuple[JobSummary, ...]
    next_page_token: str | None


class Facet(Message):
    """A value by which jobs can be listed, and the number of jobs that have it."""

    kind: FacetKind
    value: str
    jobs: int


class Facets(Message):
    """The values by which jobs can be listed, by kind; the most frequent first."""

    facets: tuple[Facet, ...]
