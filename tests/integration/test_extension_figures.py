"""Figures from a folder of their own are measured, stored, reported and ranked by, with no other file touched."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from fakes.browser import DESKTOP, chromium, unfold, visitor
from fakes.gateway_process import running_gateway

ROOT = Path(__file__).parents[2]
EXTENSION = ROOT / "tests" / "fakes" / "extension"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the gateway."""
    return tmp_path_factory.mktemp("figures")


@pytest.fixture(scope="module")
def seen(folder: Path) -> Any:
    """The output of `fakes.extension_figures`, in a process that has the folder in its settings."""
    done = subprocess.run(
        [sys.executable, "-m", "fakes.extension_figures", folder],
        env=os.environ | {"EDGEPRESS_EXTENSIONS": str(EXTENSION), "PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_figure_is_a_declaration_and_what_measures_it() -> None:
    """Two files; one, where it is derived from others."""
    files = {str(path.relative_to(EXTENSION)) for path in EXTENSION.rglob("*.py") if "figures" in path.parent.name}
    assert files == {
        "figures/entropy.py",
        "figures/jitter_ms.py",
        "figures/largest_weight.py",
        "figures/least_predicted.py",
        "evaluator/figures/least_predicted.py",
        "evaluator/thread_figures/jitter_ms.py",
        "worker/figures/entropy.py",
        "worker/stage_figures/largest_weight.py",
    }


def test_they_are_measured_and_kept(seen: Any) -> None:
    """Evaluator and worker measure; the row has the measured figures and the derived one."""
    assert 0 < seen["evaluation"]["least_predicted"] <= 0.25  # of four classes
    assert seen["threads"]["jitter_ms"] > 0
    row = seen["row"]
    assert row["least_predicted"] == seen["evaluation"]["least_predicted"]
    assert row["jitter_ms"] == seen["threads"]["jitter_ms"]
    assert 1 < row["entropy"] < 8
    assert row["ideal_bytes"] == round(100 * row["entropy"] / 8)
    assert row["largest_weight"] == 1.5
    assert seen["parsed"] == row


def test_they_are_described(seen: Any) -> None:
    """The API's schema and the page of figures describe them."""
    assert seen["schema"]["entropy"]["description"] == "Entropy of a byte of the .tflite file."
    assert [each["type"] for each in seen["schema"]["ideal_bytes"]["anyOf"]] == ["integer", "null"]
    assert "| `least_predicted` | share of the least predicted class | % | higher |" in seen["documentation"]


def test_they_are_shown(seen: Any) -> None:
    """CSV columns come last, by name; the page has columns where they are declared; MLflow has metrics."""
    row = seen["row"]
    columns = seen["csv"]
    assert list(columns)[-5:] == ["entropy", "ideal_bytes", "jitter_ms", "largest_weight", "least_predicted"]
    assert {name: float(columns[name]) for name in row} == row
    assert {name: seen["mlflow"][name] for name in row} == row
    terminal = [line.split() for line in seen["terminal"].splitlines()]
    share = f"{100 * row['least_predicted']:.1f}"
    assert ["base", "float32", "pi", "1", share] in [[*line[:4], line[-1]] for line in terminal if line]
    assert "Least class: share of the class that is predicted least." in seen["terminal"]
    assert "least predicted class 40 %" in seen["terminal"]
    assert seen["sorted"] == ["base", "base"]
    assert " All images Jitter Load First inference Dense " in seen["page"]
    assert " Least class " in seen["page"]
    assert f" {100 * row['least_predicted']:.1f} % " in seen["page"].partition("Comparison")[2]


def test_they_can_be_ranked_by(seen: Any) -> None:
    """They can have a weight, a limit, a purpose, a front, a chart and words, as figures of Edgepress can."""
    found = seen["recommendation"]
    assert found["goals"]["min_least_predicted"] == 0.01
    assert found["weights"]["balance"] == 0.4
    (device,) = found["devices"]
    share = f"{100 * seen['row']['least_predicted']:.1f} %"
    assert device["candidates"][0]["least_predicted"] == seen["row"]["least_predicted"]
    assert device["candidates"][0]["standing"]["scores"]["balance"] == 1
    assert [front["against"] for front in device["fronts"]][-2:] == ["balance", "coded"]
    assert [purpose["purpose"] for purpose in device["purposes"]][1] == "most_balanced"
    assert f"least predicted class {share}" in device["purposes"][0]["words"]
    assert "least predicted class at least 1.0 %; accuracy at most 5.00 points below" in seen["page"]
    assert "least predicted class 40 %" in seen["page"]
    assert "Accuracy against least predicted class" in seen["page"]
    assert "Most balanced" in seen["page"]
    (missed,) = seen["missed"]["devices"]
    assert missed["candidates"][0]["misses"] == [f"least predicted class {share} (at least 90.0 %)"]
    assert seen["refused"]["errors"][0]["message"] == "unknown field; did you mean 'weight_balance'?"


def test_they_are_compared(seen: Any) -> None:
    """They are compared with those of the first job."""
    assert seen["change"]["least_predicted"] == seen["row"]["least_predicted"]
    assert seen["change"]["change"]["balance_ratio"] == 1


def test_the_gateway_lists_them(seen: Any) -> None:
    """With unit, format and source; a criterion with its limit, and its purpose among those of Edgepress."""
    listed = {each["name"]: each for each in seen["listed"]["figures"]}
    least = listed["least_predicted"]
    assert {name: least[name] for name in ("title", "unit", "bare_unit", "digits", "direction", "source")} == {
        "title": "share of the least predicted class", "unit": "share", "bare_unit": "%", "digits": 1,
        "direction": "higher", "source": "evaluation",
    }  # fmt: skip
    assert least["column"]["group"] == "Classes"
    assert least["criterion"]["name"] == "balance"
    assert (least["criterion"]["limit"], least["criterion"]["limit_kind"]) == ("min_least_predicted", "least")
    assert listed["entropy"]["criterion"] is None
    assert listed["ideal_bytes"]["is_integer"]
    assert seen["listed"]["purposes"]["most_balanced"] == "Most balanced"


def test_the_dashboard_shows_them(seen: Any, folder: Path) -> None:
    """The form of goals, the ranking, the page of a file and the form of a spec have the figure."""
    share = f"{100 * seen['row']['least_predicted']:.1f} %"
    with (
        running_gateway(folder, EDGEPRESS_EXTENSIONS=str(EXTENSION)) as (_, url),
        chromium() as browser,
        visitor(browser, url, DESKTOP) as visiting,
    ):
        page = visiting.page
        page.goto(f"/jobs/{seen['job']}")
        unfold(page)
        expect(page.get_by_role("textbox", name="Least predicted class, %", exact=True)).to_have_value("1")
        expect(page.get_by_label("Least predicted class", exact=True)).to_have_value("4")
        expect(page.get_by_role("heading", name="Most balanced")).to_be_visible()
        row = page.locator(".ranking tbody tr").first
        expect(row.get_by_role("cell", name=share, exact=True)).to_be_visible()
        visiting.check()
        row.get_by_role("link").click()
        expect(page.get_by_role("columnheader", name="Least class")).to_be_visible()
        expect(page.get_by_role("columnheader", name="Jitter")).to_be_visible()
        expect(page.get_by_role("cell", name=share, exact=True).first).to_be_visible()
        visiting.check()
        page.goto(f"/new?like={seen['job']}")
        expect(page.get_by_label("Minimum least predicted class, %")).to_have_value("1")
        visiting.check()
