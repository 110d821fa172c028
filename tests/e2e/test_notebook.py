"""The example notebook, executed as a reader would: from a folder of images to a chosen .tflite file."""

from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image
from sklearn.datasets import load_digits

from e2e.stack import Edgepress

# It trains, and starts a kernel: minutes on a machine that has other things to do.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NOTEBOOK = Path(__file__).parents[2] / "docs" / "examples" / "from-images-to-tflite.ipynb"
CLASSES = (0, 1, 7)
IMAGES_PER_CLASS = 40


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Handwritten digits as PNG files, a folder for each class."""
    digits = load_digits()
    for label in CLASSES:
        folder = tmp_path / "images" / f"digit {label}"
        folder.mkdir(parents=True)
        for number, pixels in enumerate(digits.images[digits.target == label][:IMAGES_PER_CLASS]):
            Image.fromarray((pixels * 15).astype(np.uint8)).save(folder / f"{number}.png")
    return tmp_path / "images"


def test_the_notebook_leads_to_a_chosen_file(
    edgepress: Edgepress, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every cell runs; there are two pictures and a table, and the file that was chosen is one of the job's."""
    chosen = tmp_path / "chosen"
    monkeypatch.setenv("EDGEPRESS_GATEWAY", edgepress.url)
    monkeypatch.setenv("EXAMPLE_IMAGES", str(images))
    monkeypatch.setenv("EXAMPLE_OUTPUT", str(chosen))
    notebook = nbformat.read(NOTEBOOK, as_version=4)

    NotebookClient(notebook, timeout=500, kernel_name="python3").execute()

    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    kinds = [kind for output in outputs for kind in output.get("data", ())]
    assert kinds.count("image/png") == 2
    assert kinds.count("text/html") == 1
    assert "error" not in {output["output_type"] for output in outputs}
    assert (chosen / "model.tflite").read_bytes()[4:8] == b"TFL3"
    rows = edgepress.report(edgepress.job_ids()[0])["rows"]
    assert {row["size_bytes"] for row in rows} >= {(chosen / "model.tflite").stat().st_size}
    assert (chosen / "bundle.zip").stat().st_size > 0


def test_the_notebook_is_kept_without_outputs() -> None:
    """They would be of another machine, and change with every run."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert [cell for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count")] == []
