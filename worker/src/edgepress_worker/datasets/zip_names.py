"""Decodes names in a zip archive that does not specify their encoding.

A flag marks names in UTF-8. macOS writes UTF-8 without the flag, and Windows writes the code page of its language. The
names of an archive are therefore examined together, as bytes:

1. Names that are valid UTF-8 are UTF-8: other encodings result in valid UTF-8 by chance for a letter or two only.
2. If half of the bytes above 0x7F stand alone between ASCII letters, they are accents: code page 850, or 852 if the
   bytes are letters in 852 but symbols in 850.
3. If all bytes above 0x7F are in the range of Cyrillic in code page 866, that is the encoding.
4. Pairs of bytes are tried as GB 2312, Shift JIS, Big5 and GBK, in this order; the first encoding in which all pairs
   are letters is used. Korean (code page 949) has the same pairs as the more common half of GB 2312, so it is used only
   if many characters are all in that half.

Two to four are guesses, which the result states. (charset-normalizer, which guesses the encoding of longer texts,
detects two Chinese names as Korean.)
"""

import re
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable

_UTF8_FLAG = 0x800
_SPECIFIED = "cp437"  # the encoding that zipfile uses, according to the specification of the format
_UNICODE_PATH = 0x7075  # extra field of Info-ZIP: a version, the CRC-32 of the raw name, the name in UTF-8
_MANY = 6  # in Chinese text, less than half of the characters are in the common half: below 1 % for six in a row
_LAST_HANGUL_LEAD = 0xC8
_HALFWIDTH = range(0xFF61, 0xFFA0)  # single bytes of Shift JIS, which bytes of other encodings often decode to
_HIGH = re.compile(rb"[\x80-\xff]+")
_CYRILLIC = frozenset((*range(0x80, 0xB0), *range(0xE0, 0xF2)))


def guessed_encoding(infos: Iterable[zipfile.ZipInfo]) -> str | None:
    """Return the encoding of the names without a specified one; None if they are ASCII or UTF-8."""
    parts = {part for info in infos if _own_name(info) is None for part in _raw(info).split(b"/")}
    text = b"\n".join(sorted(parts))  # each part once; otherwise, folder names would count once per file
    return None if _decodes(text, "utf-8") else _guess(text)


def name_of(info: zipfile.ZipInfo, guessed: str | None) -> str:
    """Return the name of a member.

    Args:
        info: The member.
        guessed: Encoding of names without a specified one, see `guessed_encoding`.
    """
    own = _own_name(info)
    return _raw(info).decode(guessed or "utf-8", errors="replace") if own is None else own


def _own_name(info: zipfile.ZipInfo) -> str | None:
    """Return the name if the archive specifies its encoding."""
    if info.flag_bits & _UTF8_FLAG or info.filename.isascii():
        return _unicode_path(info) or info.filename
    return _unicode_path(info)


def _unicode_path(info: zipfile.ZipInfo) -> str | None:
    rest = info.extra
    while len(rest) >= 4:  # noqa: PLR2004  an extra field's kind and length
        kind, length = struct.unpack_from("<HH", rest)
        content = rest[4 : 4 + length]
        if kind == _UNICODE_PATH and len(content) > 5 and not info.flag_bits & _UTF8_FLAG:  # noqa: PLR2004
            checksum = int.from_bytes(content[1:5], "little")
            if checksum == zlib.crc32(_raw(info)) and _decodes(content[5:], "utf-8"):
                return content[5:].decode()
        rest = rest[4 + length :]
    return None


def _raw(info: zipfile.ZipInfo) -> bytes:
    return info.orig_filename.encode(_SPECIFIED)


def _guess(text: bytes) -> str:
    runs = _HIGH.findall(text)
    high = b"".join(runs)
    alone = sum(len(run) == 1 for run in runs)
    if alone >= len(runs) / 2:
        return "cp852" if _letters(text, "cp852") and not _letters(text, "cp850") else "cp850"
    if set(high) <= _CYRILLIC:
        return "cp866"
    if _decodes(text, "gb2312"):
        leads = [run[at] for run in runs for at in range(0, len(run), 2)]
        is_korean = len(leads) >= _MANY and max(leads) <= _LAST_HANGUL_LEAD and _letters(text, "cp949")
        return "cp949" if is_korean else "gbk"
    for encoding in ("cp932", "big5", "gbk", "cp949"):
        if _letters(text, encoding):
            return encoding
    return _SPECIFIED


def _decodes(text: bytes, encoding: str) -> bool:
    try:
        text.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _letters(text: bytes, encoding: str) -> bool:
    """Return whether all bytes above ASCII are letters in an encoding."""
    if not _decodes(text, encoding):
        return False
    others = [character for character in text.decode(encoding) if not character.isascii()]
    return all(unicodedata.category(each)[0] in "LM" and ord(each) not in _HALFWIDTH for each in others)
