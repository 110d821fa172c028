"""Classification of files by their names: images, companions of images, and clutter.

The name alone never decides that a file is *not* an image, except for companions that usually lie next to images
(notes, tables, scripts). All other files in a class folder are opened and recognized by their content.
"""

from pathlib import PurePosixPath

# Usual suffixes of image files, including unsupported formats; only used to detect images outside class folders.
IMAGE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jfif", ".jpe", ".png", ".tif", ".tiff", ".bmp", ".dib", ".gif", ".webp", ".heic", ".heif")
) | frozenset((".avif", ".jp2", ".jxl", ".svg", ".psd", ".ppm", ".pgm", ".dcm", ".dng", ".cr2", ".nef"))
_DOCUMENTS = frozenset((".txt", ".md", ".rst", ".html", ".htm", ".pdf", ".doc", ".docx", ".xls", ".xlsx", ".url"))
_TABLES = frozenset(
    (".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".log", ".db")
)
_OTHERS = frozenset((".py", ".ipynb", ".sh", ".bat", ".lnk", ".md5", ".sha1", ".sha256"))
_COMPANION_SUFFIXES = _DOCUMENTS | _TABLES | _OTHERS
# Files and folders that operating systems and network storage create.
_CLUTTER = frozenset(("__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found", "Thumbs.db"))
_APPLE_DOUBLE = "._"  # prefix of the files in which macOS stores attributes


def is_clutter(name: str) -> bool:
    """Return whether a file or folder is hidden or was added by the operating system."""
    return name.startswith(".") or name in _CLUTTER


def is_hidden_image(name: str) -> bool:
    """Return whether a file is hidden and named like an image, such as ``.photo.png``; False for macOS attributes."""
    return name.startswith(".") and not name.startswith(_APPLE_DOUBLE) and is_called_image(name)


def is_called_image(name: str) -> bool:
    """Return whether a file name ends with a usual suffix of image files."""
    return _suffix(name) in IMAGE_SUFFIXES


def is_companion(name: str) -> bool:
    """Return whether a file name ends with a usual suffix of notes, tables and scripts."""
    return _suffix(name) in _COMPANION_SUFFIXES


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()
