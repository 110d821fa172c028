"""Checks that the uploaded models of a spec exist and match the spec.

The number of classes of a data set is usually known only once it is packed. The step that begins with the model checks
it; see the worker's ``uploaded_models/building.py``.
"""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from edgepress_api.database import ModelRow
from edgepress_api.uploads.pages import find_upload
from edgepress_common.errors import FieldProblem, InvalidSpecError
from edgepress_common.spec import JobSpec, UploadedModel


def check_uploaded_models(session: Session, spec: JobSpec, *, viewer: str | None) -> None:
    """Check each uploaded model. It must belong to the viewer; a viewer of None has access to all.

    Raises:
        InvalidSpecError: A model does not exist, or does not match the spec.
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
            field=f"{field}.sha256",
            value=model.sha256,
            message="has not been uploaded",
            accepted="a sha256 of GET /v1/models",
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
            message=f"the uploaded model {row.name!r} begins with a layer that scales pixels from 0 to 255",
            accepted="0_to_255",
        )
