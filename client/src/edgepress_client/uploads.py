"""Uploads of data sets and models."""

import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, ClassVar, Generic, TypeVar

from edgepress_client.connection import Connection, Query
from edgepress_client.folder_archive import write_folder
from edgepress_client.sending import SENDING_SECONDS, Sent, chunks_of, file_size, readable
from edgepress_common.answers.samples import Samples
from edgepress_common.answers.uploads import DatasetPage, DatasetView, ModelPage, ModelView
from edgepress_common.errors import InvalidInputError

View = TypeVar("View", DatasetView, ModelView)
Page = TypeVar("Page", DatasetPage, ModelPage)


class _Uploads(Generic[View, Page]):
    """The files of one kind that the user has uploaded."""

    _resource: ClassVar[str]
    _view: type[View]
    _page: type[Page]

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> Iterator[View]:
        """Yield the uploads, the newest first."""
        params: dict[str, str | list[str]] = {}
        while True:
            page = self._connection.get(self._page, self._resource, params=params)
            yield from getattr(page, self._resource)
            if page.next_page_token is None:
                return
            params["page_token"] = page.next_page_token

    def get(self, sha256: str) -> View:
        """Return an upload by its SHA-256."""
        return self._connection.get(self._view, self._resource, sha256)

    def delete(self, sha256: str) -> None:
        """Delete an upload.

        Raises:
            NotFoundError: The user has no such upload.
            ConflictError: Active jobs use it; they are named.
        """
        self._connection.request("DELETE", self._resource, sha256)

    def _send(self, file: BinaryIO, media_type: str, name: str, sent: Sent) -> View:
        size = file_size(file)
        return self._connection.upload(
            self._view,
            self._resource,
            chunks=chunks_of(file, size, sent),
            params={"name": name},
            headers={"Content-Type": media_type, "Content-Length": str(size)},
            timeout=SENDING_SECONDS,
        )


class Datasets(_Uploads[DatasetView, DatasetPage]):
    """The data sets that the user has uploaded."""

    _resource, _view, _page = "datasets", DatasetView, DatasetPage

    def upload(self, path: str | Path, *, name: str | None = None, sent: Sent = lambda *_: None) -> DatasetView:
        """Upload a data set. Its ``dataset`` field goes into a spec, with an ``image_size``.

        Args:
            path: A zip or tar of class folders, or such a folder, which is sent as a zip.
            name: For people; by default the file's name.
            sent: Called as the upload goes on.

        Raises:
            InvalidInputError: The file or folder can't be read, or a folder has no images.
        """
        path = Path(path)
        with readable(path), _archive(path) as (file, media_type):
            return self._send(file, media_type, name or path.resolve().name, sent)

    def samples(self, source: str, query: Query | None = None) -> Samples:
        """Return classes, warnings and a page of images of a data set.

        Args:
            source: SHA-256 of an uploaded data set, or id of a job.
            query: Which images, named as in the API's query: ``split``, ``class_name``, ``page_size``, ``page_token``.
        """
        return self._connection.get(Samples, self._resource, source, "samples", params=query)

    def image(self, images_sha256: str, index: int) -> bytes:
        """Return an image as networks see it, as PNG.

        Args:
            images_sha256: ``images_sha256`` of samples, or of the errors of a file.
            index: ``index`` of one of their images.
        """
        return self._connection.document("artifacts", images_sha256, "images", str(index), media_type="image/png")


class Models(_Uploads[ModelView, ModelPage]):
    """The Keras models that the user has uploaded."""

    _resource, _view, _page = "models", ModelView, ModelPage

    def upload(self, path: str | Path, *, name: str | None = None, sent: Sent = lambda *_: None) -> ModelView:
        """Upload a .keras file. Its ``model`` field goes into a spec, with ``pixels``.

        Args:
            path: The file, as ``model.save`` writes it.
            name: For people; by default the file's name.
            sent: Called as the upload goes on.

        Raises:
            InvalidInputError: The file can't be read.
        """
        path = Path(path)
        with readable(path), path.open("rb") as file:
            return self._send(file, "application/octet-stream", name or path.name, sent)


@contextmanager
def _archive(path: Path) -> Iterator[tuple[BinaryIO, str]]:
    """Open an archive, or a folder as one. Both have a random access file behind them."""
    if not path.is_dir():
        with path.open("rb") as archive_file:
            yield archive_file, _media_type(path)
        return
    with tempfile.TemporaryFile() as file:
        write_folder(path, file)
        file.seek(0)
        yield file, "application/zip"


def _media_type(path: Path) -> str:
    if zipfile.is_zipfile(path):
        return "application/zip"
    if tarfile.is_tarfile(path):
        return "application/octet-stream"  # the gateway tells the kinds of tar apart by their content
    raise InvalidInputError(f"{path} is not an archive; accepted: a zip or tar of class folders, or a folder")
