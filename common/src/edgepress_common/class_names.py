"""Names of classes: validation, and escaping of text that could be harmful.

A class name appears in reports, on terminals, in web pages, and as a line of ``labels.txt`` on a device.
"""

import unicodedata

from edgepress_common.text import CONTROL

_REFUSED_CATEGORIES = {
    "Cc": "a control character",
    "Cs": "bytes that are not UTF-8",
    "Zl": "a line separator",
    "Zp": "a paragraph separator",
}


def class_name(folder_name: str) -> str:
    """Return the class name for a folder: its name in composed form (NFC), without spaces at the ends.

    Names that differ only in these look the same in every list, so that their folders are one class.

    Raises:
        ValueError: The name contains a control or formatting character, or bytes that are not UTF-8, or only spaces.
    """
    for character in folder_name:
        found = _REFUSED_CATEGORIES.get(unicodedata.category(character))
        if found is None and CONTROL.match(character):  # could disguise a name as another
            found = "an invisible character"
        if found is not None:
            raise ValueError(f"the class folder {folder_name!a} has {found} in its name; rename the folder")
    name = unicodedata.normalize("NFC", folder_name).strip()
    if not name:
        raise ValueError(f"the class folder {folder_name!a} has a name of spaces only; rename the folder")
    return name


def printable(text: str) -> str:
    r"""Return a text as one UTF-8 line: characters that can't be printed become ``\n``, ``\x1b`` or ``\udce9``."""
    if text.isprintable():
        return text
    return "".join(_escaped(character) for character in text)


def told_apart(names: set[str]) -> str:
    """Return names as a list for people; names that look the same are escaped."""
    looks = {unicodedata.normalize("NFKC", name).casefold().strip() for name in names}
    shown = sorted(names) if len(looks) == len(names) else [ascii(name) for name in sorted(names)]
    return ", ".join(map(printable, shown))


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")
