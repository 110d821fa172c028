"""The program of a bundle, run as its user runs it; EDGEPRESS_TEST_PYTHON can name an emulated Python."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from edgepress_api.bundle.packing import predict_py
from edgepress_evaluator.measure.interpreter import Classifier
from fakes.reports import make_row
from fakes.tiny_images import CLASSES, tiny_images

MODELS = Path(__file__).parents[1] / "fakes" / "models"
PYTHON = shlex.split(os.environ.get("EDGEPRESS_TEST_PYTHON", shlex.quote(sys.executable)))


def bundle(folder: Path, model: str) -> Path:
    """A folder with what the program needs."""
    shutil.copy(MODELS / f"{model}.tflite", folder / "model.tflite")
    (folder / "labels.txt").write_text("".join(f"{name}\n" for name in CLASSES))
    (folder / "predict.py").write_text(predict_py([make_row("int8", threads=2)]))
    return folder


def said(folder: Path, *images: Path) -> list[str]:
    """Return the program's output for images, one line for each."""
    ran = subprocess.run(
        [*PYTHON, str(folder / "predict.py"), *map(str, images)], capture_output=True, text=True, check=True
    )
    return ran.stdout.splitlines()


def write_ppm(path: Path, image: npt.NDArray[np.uint8]) -> Path:
    """The simplest of formats."""
    height, width, _ = image.shape
    path.write_bytes(f"P6\n{width} {height}\n255\n".encode() + image.tobytes())
    return path


@pytest.mark.parametrize("model", ["tiny_float32", "tiny_int16", "tiny_int8", "tiny_uint8"])
def test_the_program_says_what_the_evaluator_finds(tmp_path: Path, model: str) -> None:
    """The program and the evaluator agree, for each type of input tensor and both formats."""
    folder = bundle(tmp_path, model)
    images, _ = tiny_images(8)
    classifier = Classifier(folder / "model.tflite", threads=1)
    expected = [CLASSES[classifier.classify(image).argmax()] for image in classifier.prepare(images)]
    files = []
    for at, image in enumerate(images):
        if at % 2:
            files.append(write_ppm(folder / f"{at}.ppm", image))
        else:
            files.append(folder / f"{at}.npy")
            np.save(files[-1], image)
    lines = said(folder, *files)
    assert [line.removeprefix(f"{file}: ").split()[0] for file, line in zip(files, lines, strict=True)] == expected
    shares = [float(part.split()[1]) for part in lines[0].removeprefix(f"{files[0]}: ").split(", ")]
    assert shares == sorted(shares, reverse=True)
    assert len(shares) == 3


@pytest.mark.parametrize(("width", "height"), [(32, 32), (96, 96), (97, 41), (20, 50), (640, 480)])
def test_an_image_of_any_size_is_resized_as_the_worker_does(tmp_path: Path, width: int, height: int) -> None:
    """Pillow's own filter resizes it, within one level of rounding; an image of the right size is unchanged."""
    image_module = pytest.importorskip("PIL.Image")
    program: dict[str, object] = {"__file__": str(tmp_path / "predict.py"), "__name__": "predict"}
    exec(compile(predict_py([make_row("int8")]), "predict.py", "exec"), program)  # the bundle's program is our own
    resize = program["resize"]
    assert callable(resize)
    image = np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    pillow = np.asarray(image_module.fromarray(image).resize((32, 32), image_module.Resampling.BILINEAR))
    ours = resize(resize(image, 32, axis=1), 32, axis=0)
    assert ours.dtype == np.uint8
    assert np.abs(ours.astype(int) - pillow.astype(int)).max() <= (0 if (width, height) == (32, 32) else 1)


def test_the_program_needs_the_runtime_and_numpy_alone(tmp_path: Path) -> None:
    """Other packages of the machine are not importable."""
    folder = bundle(tmp_path, "tiny_int8")
    np.save(folder / "image.npy", tiny_images(1)[0][0])
    barred = ("PIL", "pydantic", "edgepress_api", "edgepress_common")
    source = f"import sys\nfor name in {barred}: sys.modules[name] = None\n"
    source += f"sys.argv = ['predict.py', {str(folder / 'image.npy')!r}]\n"
    source += f"import runpy; runpy.run_path({str(folder / 'predict.py')!r}, run_name='__main__')"
    ran = subprocess.run([*PYTHON, "-c", source], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith(f"{folder / 'image.npy'}: ")


def test_the_program_says_how_it_is_used(tmp_path: Path) -> None:
    """Without arguments it prints its usage."""
    program = str(bundle(tmp_path, "tiny_int8") / "predict.py")
    ran = subprocess.run([*PYTHON, program], check=False, capture_output=True, text=True)
    assert ran.returncode == 1
    assert "python predict.py IMAGE" in ran.stderr
