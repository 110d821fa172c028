"""The report as PDF, by the browser of the machine."""

import re
import shutil
from pathlib import Path

import httpx
import pytest

from edgepress_api.report.page import report_html
from fakes.browser import chromium
from fakes.command_line import run_command
from fakes.job_gateway import FakeGateway
from fakes.paper_report import paper_report


def test_a_report_is_written_as_pdf(tmp_path: Path) -> None:
    """Several pages of A4, and nothing else is left in the folder; an existing file is kept."""
    with chromium():
        pass  # skips without a browser
    page = report_html(paper_report(), "/v1/artifacts/")
    gateway = FakeGateway(answers={("GET", "/v1/jobs/job-1/report"): httpx.Response(200, content=page.encode())})
    target = tmp_path / "report.pdf"
    command = ["report", "job-1", "--output", str(target)]
    ran = run_command(gateway, command)
    assert ran.exit_code == 0, ran.err
    content = target.read_bytes()
    assert content.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", content)) > 3
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", content)
    assert {(round(float(width)), round(float(height))) for width, height in boxes} == {(595, 842)}
    assert [path.name for path in tmp_path.iterdir()] == ["report.pdf"]
    kept = run_command(gateway, command)
    assert (kept.exit_code, "the file exists" in kept.err) == (2, True)


def test_without_a_browser_it_is_said_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The HTML report can be printed by any browser."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("chromium") is None
    gateway = FakeGateway(answers={("GET", "/v1/jobs/job-1/report"): httpx.Response(200, content=b"<p>")})
    ran = run_command(gateway, ["report", "job-1", "--output", str(tmp_path / "report.pdf")])
    assert (ran.exit_code, "write" in ran.err, "report.html" in ran.err) == (2, True, True), ran.err
    assert list(tmp_path.iterdir()) == []
