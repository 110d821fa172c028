"""Which jobs a list has."""

from typing import Annotated, Any, TypeVarTuple, get_args

from pydantic import AwareDatetime, Field, StringConstraints, field_validator
from sqlalchemy import Select, exists, or_

from edgepress_api.database import FacetRow, JobRow
from edgepress_common.answers.job_list import FacetKind, JobState
from edgepress_common.frozen import Frozen

Columns = TypeVarTuple("Columns")

_Value = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
_MOST_WORDS = 10


class JobFilters(Frozen):
    """Filters of a list of jobs. A job must match all of them."""

    state: JobState | None = Field(default=None, description="List only jobs in this state.")
    name: str | None = Field(default=None, max_length=200, description="List only jobs with exactly this name.")
    q: _Value | None = Field(
        default=None,
        description="List only jobs in which all of these words occur: in the name, notes, project, tags, networks, "
        "data set or devices, or as the beginning of the id. Case does not matter.",
    )
    project: _Value | None = Field(default=None, description="List only jobs of this project.")
    tag: tuple[_Value, ...] = Field(default=(), max_length=20, description="List only jobs with all of these tags.")
    network: _Value | None = Field(default=None, description="List only jobs with this architecture.")
    dataset: _Value | None = Field(default=None, description="List only jobs with this data set.")
    device: _Value | None = Field(default=None, description="List only jobs that name this device.")
    created_from: AwareDatetime | None = Field(default=None, description="List only jobs posted at this time or later.")
    created_before: AwareDatetime | None = Field(default=None, description="List only jobs posted before this time.")

    @field_validator("q")
    @classmethod
    def _few_words(cls, q: str | None) -> str | None:
        words = len((q or "").split())
        if words > _MOST_WORDS:
            raise ValueError(f"has {words} words; accepted: at most {_MOST_WORDS}")
        return q

    def applied_to(self, query: Select[*Columns]) -> Select[*Columns]:
        """Return a query of jobs with the filters added."""
        equal: tuple[tuple[Any, object], ...] = ((JobRow.state, self.state), (JobRow.name, self.name))
        query = query.where(*(column == value for column, value in equal if value is not None))
        for kind in get_args(FacetKind):
            wanted = getattr(self, kind)
            for value in wanted if isinstance(wanted, tuple) else (wanted,) if wanted is not None else ():
                query = query.where(_has(FacetRow.kind == kind, FacetRow.value == value))
        if self.created_from is not None:
            query = query.where(JobRow.created_at >= self.created_from)
        if self.created_before is not None:
            query = query.where(JobRow.created_at < self.created_before)
        for word in (self.q or "").split():
            texts = (column.icontains(word, autoescape=True) for column in (JobRow.name, JobRow.notes))
            of_facet = _has(FacetRow.value.icontains(word, autoescape=True))
            query = query.where(or_(JobRow.id.istartswith(word, autoescape=True), *texts, of_facet))
        return query

    def as_listing(self) -> dict[str, str]:
        """Return the filters for the token of a page, which must not be used with others."""
        return {name: str(value) for name, value in self.model_dump(mode="json", exclude_defaults=True).items()}


def _has(*conditions: Any) -> Any:
    return exists().where(FacetRow.job_number == JobRow.number, *conditions)
