"""Keras models as files."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgepress_worker.keras_environment import keras
from edgepress_worker.keras_files import load_model, save_and_weigh, save_model


def _model() -> keras.Model:
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [keras.Input((64,)), keras.layers.Dense(256, activation="relu"), keras.layers.Dense(4, activation="softmax")]
    )


def test_model_comes_back_as_it_was(tmp_path: Path) -> None:
    """The file can have any name: an artifact is named by its digest."""
    model, place = _model(), tmp_path / ("ab" * 32)
    save_model(model, tmp_path / "model.h5")
    (tmp_path / "model.h5").rename(place)
    loaded = load_model(place)
    assert loaded.get_config() == model.get_config()
    assert loaded.optimizer is None
    for found, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_same_model_makes_the_same_bytes(tmp_path: Path) -> None:
    """Neither time nor the number of models made before are in the file."""
    for name in ("one.h5", "two.h5"):
        save_model(_model(), tmp_path / name)
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()


def test_sizes_are_those_of_the_files(tmp_path: Path) -> None:
    """Both the size of the file and that of its archive are given."""
    size, _ = save_and_weigh(_model(), keras.optimizers.legacy.SGD(), tmp_path / "model.h5")
    assert size.size_bytes == (tmp_path / "model.h5").stat().st_size
    with zipfile.ZipFile(tmp_path / "model.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(tmp_path / "model.h5", "model")
    assert size.zip_bytes == (tmp_path / "model.zip").stat().st_size


@pytest.mark.slow
@pytest.mark.parametrize(("optimizer", "times"), [("Adam", 3), ("SGD", 2)])
def test_optimizer_adds_its_slots(optimizer: str, times: int, tmp_path: Path) -> None:
    """Adam keeps two values for each weight, SGD with momentum one; no file is left."""
    model = _model()
    settings = {"momentum": 0.9} if optimizer == "SGD" else {}
    trained_by = getattr(keras.optimizers.legacy, optimizer)(**settings)
    model.compile(trained_by, "categorical_crossentropy")
    model.fit(np.ones((1, 64)), np.eye(4)[:1], verbose=0)
    plain, with_optimizer = save_and_weigh(model, trained_by, tmp_path / "model.h5")
    assert with_optimizer.size_bytes == pytest.approx(times * plain.size_bytes, rel=0.15)
    assert with_optimizer.zip_bytes > plain.zip_bytes
    assert [path.name for path in tmp_path.iterdir()] == ["model.h5"]
    assert b"optimizer_weights" not in (tmp_path / "model.h5").read_bytes()
