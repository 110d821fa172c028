"""Descriptions of regular expressions in words, for messages about text of the wrong form.

A pattern of the API that is missing here fails `tests/unit/api/test_openapi.py`. Patterns of extensions are shown as
they are.
"""

_BEGINNING = "beginning with a letter or digit"
_VISIBLE = "no control characters or invisible characters"

_WORDS = {
    r"^[ -~]+$": "printable characters of ASCII",
    r"^[^\x00]+$": "no null characters",
    r"^[^\x00]*$": "no null characters",
    r"^[^\x00-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]+$": _VISIBLE,
    r"^![^\x00-\x20\x7f/?#]{1,250}$": "an id of Matrix, as in !abc:example.org",
    r"^notice-[0-9a-f]{16}$": "notice- and 16 hexadecimal digits",
    r"^[0-9a-f]{32}$": "32 hexadecimal digits in lower case",
    r"^[0-9a-f]{64}$": "64 hexadecimal digits in lower case",
    r"^[A-Za-z0-9-]{1,40}$": "1 to 40 letters, digits and -",
    r"^[A-Za-z0-9-]{1,64}$": "1 to 64 letters, digits and -",
    r"^([0-9a-f]{64}|[A-Za-z0-9-]{1,40})$": "64 hexadecimal digits in lower case, or 1 to 40 letters, digits and -",
    r"^[a-z][a-z0-9_]*$": "lower-case letters, digits and _, beginning with a letter",
    r"^[a-z0-9][a-z0-9._-]{0,62}$": f"1 to 63 lower-case letters, digits and . _ -, {_BEGINNING}",
    r"^[a-z0-9][a-z0-9._@-]{0,62}$": f"1 to 63 lower-case letters, digits and . _ @ -, {_BEGINNING}",
    r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$": f"1 to 64 letters, digits and _ -, {_BEGINNING}",
    r"^[A-Za-z0-9][A-Za-z0-9 ._+%-]{0,63}$": f"1 to 64 letters, digits, spaces and . _ + % -, {_BEGINNING}",
    r"^[A-Za-z0-9][A-Za-z0-9_./-]{0,127}$": f"1 to 128 letters, digits and _ . / -, {_BEGINNING}",
    r"^[A-Za-z0-9][A-Za-z0-9._:/-]*$": f"letters, digits and . _ : / -, {_BEGINNING}",
    r"^(first|last|kind:(conv2d|depthwise_conv2d|dense)|name:[A-Za-z0-9_.*?\[\]!/-]{1,128})$": (
        "first, last, kind:conv2d, kind:depthwise_conv2d, kind:dense, or name: and a shell pattern"
    ),
    r"^[1-9][0-9]?:[1-9][0-9]?$": "two numbers from 1 to 99, as in 2:4",
    r"^https?://": "http:// or https://, and a host",
}


def pattern_in_words(pattern: str) -> str:
    """Return what a regular expression accepts, in words."""
    if pattern.startswith("^(?:accuracy|"):  # made of all goals that are declared
        return "two goals and a factor from 1 to 9, as in accuracy:latency:3"
    return _WORDS.get(pattern, f"matching {pattern}")
