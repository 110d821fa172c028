"""Downloads files with weights trained on ImageNet.

Neither library lets a caller choose the download folder, and both report a missing connection without advice. Networks
are therefore built without weights, and this module downloads the file.
"""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from edgepress_common.errors import UnavailableError
from edgepress_worker.keras_environment import keras


@dataclass(frozen=True)
class WeightsFile:
    """A file to download.

    Attributes:
        name: File name, as in the library.
        url: URL of the file.
        md5: MD5 of the file in hex; None if the library publishes none.
    """

    name: str
    url: str
    md5: str | None


def fetch(file: WeightsFile, folder: Path) -> Path:
    """Return the path of the file in the folder, after downloading it if it does not exist. The download is atomic.

    Raises:
        UnavailableError: The file can't be downloaded, or does not match the checksum.
    """
    place = folder / file.name
    if place.is_file():
        return place
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".incoming-") as incoming:
            fetched = keras.utils.get_file(
                file.name, file.url, cache_dir=incoming, cache_subdir="weights", md5_hash=file.md5
            )
            Path(fetched).replace(place)
    except Exception as error:  # the type that Keras raises if the connection fails
        raise UnavailableError(
            f"the ImageNet weights {file.name} are not on this worker and could not be downloaded from {file.url}: "
            f"{error}. Put the file at {place.absolute()}, or use weights: none"
        ) from error
    return place
