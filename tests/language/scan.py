"""Finds phrases that the project does not use, in its text files."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from language.rules import ALLOWED, RULES, Rule

SUFFIXES = frozenset({".md", ".py", ".js", ".html"})
# Environments, caches and state have names that begin with a dot. These are written by programs, or list the words.
LEFT_OUT = frozenset(
    {"dist", "build", "node_modules", "docs/reports", "tests/language", "api/src/edgepress_api/web/vendor"}
)
_TEST_OF_RULES = "tests/architecture/test_language.py"
_CODE_IN_MARKDOWN = re.compile(r"`[^`\n]*`|\]\([^)\s]*\)|https?://\S+")
_CODE_IN_DOCSTRINGS = re.compile(r"``[^`\n]*``|https?://\S+")


@dataclass(frozen=True)
class Finding:
    """A phrase in a file.

    Attributes:
        path: Of the file, relative to the repository, with forward slashes.
        line: Where the phrase begins, from 1; 0 for the name of the file.
        phrase: As it is written, on one line.
        instead: What to write.
    """

    path: str
    line: int
    phrase: str
    instead: str

    def __str__(self) -> str:
        """The finding as compilers print theirs."""
        return f"{self.path}:{self.line}: '{self.phrase}'; write: {self.instead}"


def text_files(root: Path) -> list[Path]:
    """Return the files to check, in order."""
    found = []
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        folders[:] = [name for name in folders if is_entered((here / name).relative_to(root))]
        found += [here / name for name in names if Path(name).suffix in SUFFIXES]
    return sorted(path for path in found if path.relative_to(root).as_posix() != _TEST_OF_RULES)


def is_entered(folder: Path) -> bool:
    """Return whether the files of a folder, relative to the repository, are checked."""
    return (not folder.name.startswith(".") or folder.name == ".github") and folder.as_posix() not in LEFT_OUT


def findings(path: str, text: str, rules: tuple[Rule, ...] = RULES) -> Iterator[Finding]:
    """Yield what a file should not say, those that ALLOWED lists for it included.

    Args:
        path: Of the file, relative to the repository.
        text: Its content.
        rules: The phrases to look for.
    """
    suffix = Path(path).suffix
    visible = without_code(text, suffix)
    for rule in rules:
        if suffix not in rule.suffixes:
            continue
        for match in rule.pattern.finditer(path):
            yield Finding(path, 0, match[0], rule.instead)
        for match in rule.pattern.finditer(visible):
            phrase = " ".join(re.sub(r"\n[ \t]*(#|//|\*|>)", " ", match[0]).split())
            yield Finding(path, text.count("\n", 0, match.start()) + 1, phrase, rule.instead)


def without_code(text: str, suffix: str) -> str:
    """Return the text with inline code and addresses blanked out, at the same length."""
    code = {".md": _CODE_IN_MARKDOWN, ".py": _CODE_IN_DOCSTRINGS}.get(suffix)
    return code.sub(lambda match: "\0" * len(match[0]), text) if code else text


def is_allowed(finding: Finding) -> bool:
    """Return whether ALLOWED gives a reason for the phrase in this file."""
    return (finding.path, finding.phrase.lower()) in ALLOWED
