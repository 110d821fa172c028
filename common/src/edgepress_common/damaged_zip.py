"""The errors of damaged zip archives."""

import zipfile
import zlib

DAMAGED_ZIP = (zipfile.BadZipFile, EOFError, NotImplementedError, UnicodeDecodeError, zlib.error)
"""Errors that `zipfile` raises for damaged or unsupported directories and members."""
