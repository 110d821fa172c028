"""Usual names of the folders of a split: ``train``, ``val``, ``valid``, ``Testing``, ``test1``, ``seg_train``, ..."""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

Role = Literal["train", "validation", "test"]

_WORDS: dict[Role, str] = {
    "train": "train|training",
    "validation": "val|valid|validation|validate|validating|dev|eval|evaluation",
    "test": "test|testing|holdout|hold-out",
}
_PREFIX = r"(?P<prefix>.*[ _.-])?"
_SUFFIX = r"([ _.-]?(set|data|dataset|images|imgs|split|part))?[ _.-]?\d*"
_PATTERNS = {role: re.compile(f"{_PREFIX}({words}){_SUFFIX}", re.IGNORECASE) for role, words in _WORDS.items()}
ACCEPTED = "train with validation (or val, valid) and test (or testing) next to it"


def roles_of(names: Iterable[str]) -> dict[Role, list[str]]:
    """Return the folders that are named like parts of a split, by part.

    Args:
        names: Names of folders next to each other. A common prefix (``seg_train``, ``seg_test``) is accepted if at
            least two parts have it, because a class may be called ``freight_train``.
    """
    by_prefix: dict[str, dict[Role, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name in sorted(names):
        for role, pattern in _PATTERNS.items():
            found = pattern.fullmatch(name)
            if found is not None:
                by_prefix[(found["prefix"] or "").casefold()][role].append(name)
                break
    plain = by_prefix.pop("", {})
    shared = [roles for roles in by_prefix.values() if len(roles) > 1]
    return dict(plain) if plain or len(shared) != 1 else dict(shared[0])
