"""Whether the uploaded models that a spec names are there, and fit what it wants of them.

How many classes a data set has is mostly known only once it is packed: that is looked at by the step that begins on the
model, see the worker's ``uploaded_models/building.py``.
"""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from edgepress_api.database import ModelRow
from edgepress_api.upload_pages import find_upload
from edgepress_common.errors import FieldProblem, InvalidSpecError
from edgepress_common.spec import JobSpec, UploadedModel


def check_uploaded_models(session: Session, spec: JobSpec, *, viewer: str | None) -> None:
    """Looks at each of them, for a user who has uploaded it or, with None, for whoever sees all.

    Raises:
        InvalidSpecError: One isn't there, or doesn't fit.
    """
    problems = [
        problem
        for field, model in spec.networks()
        if isinstance(model, UploadedModel)
        for problem in _problems(field, model, find_upload(session, ModelRow, model.sha256, owner=viewer), spec)
    ]
    if problems:
        raise InvalidSpecError(problems)


def _problems(field: str, model: UploadedModel, row: ModelRow | None, spec: JobSpec) -> Iterator[FieldProblem]:
    if row is None:
        yield FieldProblem(
            field=f"{field}.sha256", value=model.sha256, message="no such upload", accepted="a sha256 of GET /v1/models"
        )
        return
    if row.image_size not in {None, spec.dataset.image_size}:
        yield FieldProblem(
            field="dataset.image_size",
            value=spec.dataset.image_size,
            message=f"the uploaded model {row.name!r} takes images of {row.image_size} pixels",
            accepted=str(row.image_size),
        )
    if row.scales_pixels and model.pixels != "0_to_255":
        yield FieldProblem(
            field=f"{field}.pixels",
            value=model.pixels,
            message=f"the uploaded model {row.name!r} begins with a layer that scales pixels down from 255 itself",
            accepted="0_to_255",
        )
