"""Decision records are numbered without gaps, have a status and a date, and are listed in the index."""

import datetime as dt
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "decisions"
RECORDS = sorted(path for path in FOLDER.glob("*.md") if path.name not in {"README.md", "template.md"})
HEAD = re.compile(r"# (?P<number>\d+)\. (?P<title>.+)\n\n- Status: (?P<status>.+)\n- Date: (?P<date>.+)\n\n")
INDEX = re.compile(r"^\| (\d+) \| \[(.+)\]\((.+)\) \| (.+) \| (.+) \|$", re.MULTILINE)


def head(record: Path) -> re.Match[str]:
    """The first lines of a record."""
    found = HEAD.match(record.read_text())
    assert found, f"{record.name} does not begin as docs/decisions/template.md: number, title, status, date"
    return found


def test_numbers_have_no_gaps() -> None:
    """The files are 0001, 0002, ... in order, each number once."""
    numbers = [record.name[:4] for record in RECORDS]
    expected = [f"{number:04}" for number in range(1, len(RECORDS) + 1)]
    assert numbers == expected, (
        f"docs/decisions has the numbers {', '.join(numbers)}; expected 0001 to {len(RECORDS):04}, each once. "
        "Rename the files (git mv), change the number in their first line and in every link, "
        "and update the table in docs/decisions/README.md."
    )


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_a_record_has_number_status_and_date(record: Path) -> None:
    """The number of its file, a known status and a real date."""
    found = head(record)
    assert int(found["number"]) == int(record.name[:4]), f"{record.name} calls itself {found['number']}"
    assert re.fullmatch(r"proposed|accepted|superseded by \d+", found["status"]), (
        f"{record.name} has the status {found['status']!r}; accepted: proposed, accepted, superseded by N"
    )
    assert dt.date.fromisoformat(found["date"]) > dt.date(2026, 1, 1)
    superseding = re.search(r"\d+", found["status"])
    assert superseding is None or int(superseding[0]) <= len(RECORDS)


def test_the_index_lists_every_record() -> None:
    """docs/decisions/README.md has one line for each record, with its title, status and date."""
    rows = INDEX.findall((FOLDER / "README.md").read_text())
    expected = [
        (str(int(record.name[:4])), found["title"], record.name, found["status"], found["date"])
        for record in RECORDS
        for found in [head(record)]
    ]
    lines = "\n".join(f"| {n} | [{title}]({file}) | {status} | {date} |" for n, title, file, status, date in expected)
    assert rows == expected, f"The table of docs/decisions/README.md should be:\n{lines}"
