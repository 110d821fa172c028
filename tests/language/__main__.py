"""``make language``: checks that the project's text is plain English, by the phrases in ``language.rules``.

Files that are not converted yet are listed in ``unconverted.txt``. That list only shrinks: a listed file that is clean,
or does not exist, fails the check until its line is removed (``make language LANGUAGE=--update`` removes such lines).
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from language.rules import ALLOWED  # noqa: E402  # found by the line above
from language.scan import Finding, findings, is_allowed, text_files  # noqa: E402

UNCONVERTED = Path(__file__).with_name("unconverted.txt")


def main() -> int:
    """Print what is wrong and return the exit status: 0 if nothing is."""
    parser = argparse.ArgumentParser(prog="make language", description=__doc__)
    parser.add_argument("--all", action="store_true", help="Show the findings in unconverted files too.")
    parser.add_argument("--update", action="store_true", help="Remove clean files from the list of unconverted ones.")
    options = parser.parse_args()

    found = {relative(path): list(findings(relative(path), path.read_text())) for path in text_files(ROOT)}
    wrong = {path: [finding for finding in of if not is_allowed(finding)] for path, of in found.items()}
    listed = UNCONVERTED.read_text().split()
    clean = [path for path in listed if not wrong.get(path)]
    if options.update:
        UNCONVERTED.write_text("".join(f"{path}\n" for path in listed if path not in clean))
        clean = []

    problems = [str(finding) for path, of in wrong.items() if options.all or path not in listed for finding in of]
    problems += [f"{path}: is clean or gone; remove it from {relative(UNCONVERTED)}" for path in clean]
    problems += [
        f"{path}: '{phrase}' is allowed in tests/language/rules.py and not found" for path, phrase in stale(found)
    ]
    sys.stdout.writelines(f"{problem}\n" for problem in problems)
    if problems:
        sys.stdout.write(f"{len(problems)} problems; how we write is in CONTRIBUTING.md\n")
    return 1 if problems else 0


def relative(path: Path) -> str:
    """Return a path as it is named in lists."""
    return path.relative_to(ROOT).as_posix()


def stale(found: dict[str, list[Finding]]) -> list[tuple[str, str]]:
    """Return the entries of ALLOWED that match nothing."""
    used = {(finding.path, finding.phrase.lower()) for of in found.values() for finding in of}
    return [entry for entry in ALLOWED if entry not in used]


if __name__ == "__main__":
    sys.exit(main())
