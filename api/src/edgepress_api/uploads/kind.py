"""Declares a kind of files that users upload. Data sets and models are declared in their packages."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from edgepress_api.database import UploadRow
from edgepress_common.answers.uploads import DatasetPage, DatasetView, ModelPage, ModelView
from edgepress_common.artifacts import ArtifactRef, ArtifactStore

View = TypeVar("View", DatasetView, ModelView)
Page = TypeVar("Page", DatasetPage, ModelPage)


@dataclass(frozen=True)
class UploadKind(Generic[View, Page]):
    """A kind of files that users upload.

    Attributes:
        resource: Name of the resource in the API and in a page, such as ``datasets``.
        noun: Name of one upload, such as ``data set``.
        field: Field of a spec that refers to an upload.
        file: Name of the body of an upload, such as ``archive``.
        content: What the file must contain, in a sentence.
        media_types: Accepted media types of the body.
        row: Table of the uploads.
        view: Type of the answer with one upload.
        page: Type of the answer with a page of uploads.
        put: Stores the chunks of a file. Returns the artifact, and the columns that only this kind has. Raises
            `InvalidInputError` if the file is not accepted.
    """

    resource: str
    noun: str
    field: str
    file: str
    content: str
    media_types: tuple[str, ...]
    row: type[UploadRow]
    view: type[View]
    page: type[Page]
    put: Callable[[ArtifactStore, Iterator[bytes]], tuple[ArtifactRef, Mapping[str, object]]]

    def shown(self, row: UploadRow) -> View:
        """Return an upload as the API answers with it."""
        columns: dict[str, Any] = {column.key: getattr(row, column.key) for column in row.__table__.columns}
        return self.view.model_validate(columns | {self.field: {"sha256": row.sha256}})
