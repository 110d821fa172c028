"""The check of the project's language finds what it should, and leaves plain English alone."""

from pathlib import Path

import pytest

from language.rules import RULES
from language.scan import findings, text_files

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("The token is none that is known here.", "is none that"),
        ("There is no such thing.", "no such thing"),
        ("'abc' is no token", "no token"),
        ("'abc' is no number", "is no number"),
        ("a holder that is silent", "holder"),
        ("the stream is made by a sign\n    of life", "sign of life"),
        ("# is taken for\n# dead", "taken for dead"),
        ("Whom it stands for", "Whom"),
        ("def nobody_needs_it() -> None:", "nobody"),
        ("ALL_UNDER_WAY = [steps_under_way]", "UNDER_WAY"),
        ("served = served_in_turns(users)", "in_turns"),
        ("def test_text_is_no_number() -> None:", "is_no_number"),
        ("What nobody needs goes.", "nobody"),
        ("a difference that may\nbe chance", "may be chance"),
        ("worth something", "worth something"),
        ("Weights in force", "in force"),
        ("some 200 lines", "some 200"),
        ('"""What a test needs."""', '"""What'),
        ('"""Tells whether it ended."""', '"""Tells'),
        ("    Args:\n        rows: Of the table.\n", "rows: Of the"),
    ],
)
def test_an_unclear_phrase_is_found(text: str, phrase: str) -> None:
    """Across line breaks, in names, in comments and in docstrings."""
    assert phrase in [finding.phrase for finding in findings("page.py", text)]


@pytest.mark.parametrize(
    "text",
    [
        "'abc' is not a valid token. Unknown token.",
        "def test_there_is_no_report_without_a_job() -> None:",
        "Not found: there is no job with this id. There are no jobs.",
        "Service unavailable: Redis does not answer.",
        "The worker renews its lease with each heartbeat, over a keep-alive connection.",
        "It is no longer needed; the placeholder broomstick is no more expensive.",
        "process.is_alive() and psutil's mushroom",
        '"""Return whether the job ended."""',
        '"""Settings of the gateway, read from the environment."""',
        "    Args:\n        size_bytes: Size of the file in bytes, at least 0.\n",
        "some users and some of their jobs",
        "call ``nobody()`` as the library names it",
    ],
)
def test_plain_english_is_left_alone(text: str) -> None:
    """Correct sentences and parts of longer words are not reported."""
    assert list(findings("page.py", text)) == []


def test_a_finding_names_the_place_and_what_to_write() -> None:
    """Path, line of the first word, phrase on one line, suggestion."""
    (finding,) = findings("docs/page.md", "One line.\n\nIt waits for a sign\nof life.\n")
    assert str(finding) == "docs/page.md:3: 'sign of life'; write: heartbeat"


def test_names_of_files_are_read_too() -> None:
    """A module's name is what its users read first."""
    assert [finding.line for finding in findings("api/src/courier.py", "")] == [0]


def test_code_in_a_page_is_not_judged() -> None:
    """An identifier in backticks, or the target of a link, is named as it is."""
    assert list(findings("docs/page.md", "See `nobody` and [the page](https://example.org/whatever).")) == []


def test_what_is_read_is_the_projects_own_text() -> None:
    """Sources, documentation and templates of all members; no environment, no generated report."""
    read = {path.relative_to(ROOT).as_posix() for path in text_files(ROOT)}
    assert {"README.md", "docs/using.md", "common/src/edgepress_common/plan.py"} <= read
    assert any(path.endswith(".js") for path in read)
    assert any(path.endswith(".html") for path in read)
    assert not any(
        path.startswith((".", "docs/reports/", "tests/language/")) and ".github" not in path for path in read
    )


def test_every_rule_has_a_replacement() -> None:
    """No two rules have the same phrase."""
    assert all(rule.instead for rule in RULES)
    assert len({rule.phrase for rule in RULES}) == len(RULES)
