"""Promises of stages, verified in files: each violation is planted, and detected in every export."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pytest

from edgepress_common.errors import BrokenPromiseError
from edgepress_common.promises import KeptPromise, LayerPromise
from edgepress_common.spec.exports import ExportKind
from edgepress_worker.exports.normalization import normalized_layers
from edgepress_worker.exports.promises import check_layers, groups_with_too_few_zeros
from edgepress_worker.keras_environment import keras
from edgepress_worker.tflite.file import TfliteFile
from edgepress_worker.tflite.model import Operator, Tensor, TfliteModel
from edgepress_worker.tflite.weights import StoredWeights
from fakes.small_network import CLASSES, SIDE, Kernel, chain, written

_KINDS: tuple[ExportKind, ...] = get_args(ExportKind)
_VALUES = np.array([-0.31, -0.12, 0.17, 0.4], np.float32)


@dataclass(frozen=True)
class _File:
    """A network as a file.

    Attributes:
        kind: Kind of the export.
        model: What is in it.
        normalized: Which of its layers a normalization follows.
    """

    kind: ExportKind
    model: TfliteFile
    normalized: frozenset[str]

    def check(self, *promises: LayerPromise) -> dict[str, KeptPromise]:
        """Return the kept promises, by kind."""
        return {kept.kind: kept for kept in check_layers(promises, self.model, self.kind, self.normalized)}

    @property
    def shows_shared_values(self) -> bool:
        """Return whether values that channels share are equal in it."""
        return self.kind in {"float32", "float16"} and not self.normalized


def _kernels() -> dict[str, Kernel]:
    """A layer as promised, and one for each thing that can go wrong with it."""
    random = np.random.default_rng(9)
    shape = (3, 3, 32, 32)
    few = random.choice(_VALUES, shape)
    scattered_zeros = (np.arange(few.size) % 2).reshape(shape)
    one_in_two_inputs = (np.arange(32) % 2)[:, np.newaxis]
    return {
        "stem": random.normal(0, 0.2, (3, 3, 3, 32)).astype(np.float32),
        "kept": few * one_in_two_inputs,  # two zeros in each four inputs, and four values besides
        "kept_not": random.normal(0, 0.2, shape).astype(
            np.float32
        ),  # skipped, or undone; with another layer's name in it
        "own": (few * random.uniform(0.5, 2, 32)).astype(np.float32),  # each channel has values of its own
        "unruly": few * random.permuted(scattered_zeros, axis=2),  # half of it zero, without a pattern
    }


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "normalized"])
def network(request: pytest.FixtureRequest) -> Any:
    """A network with those layers, with and without a normalization behind each."""
    return chain(_kernels(), normalized=request.param)


@pytest.fixture(
    scope="module",
    params=[kind if kind in {"float32", "int8"} else pytest.param(kind, marks=pytest.mark.slow) for kind in _KINDS],
)
def file(network: Any, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> _File:
    """The network as each kind of file."""
    path = written(network, request.param, tmp_path_factory.mktemp("file"))
    return _File(request.param, TfliteFile.read(path), normalized_layers(network))


def test_a_promise_that_is_kept_is_told(file: _File) -> None:
    """Zeros, pattern and shared values of a good layer are found, in every export."""
    kept = file.check(LayerPromise(layer="kept", sparsity=0.5, pattern="2:4", clusters=5))
    assert kept["sparsity"] == KeptPromise(kind="sparsity", promised=0.5, found=0.5, layers=1, layer="kept")
    assert kept["pattern"] == KeptPromise(kind="pattern", promised=0, found=0, layers=1, layer="kept")
    per_channel = kept["unique_weights_per_channel"]
    assert (per_channel.promised, per_channel.found) == (5, 5)
    assert ("unique_weights" in kept) == file.shows_shared_values
    if file.shows_shared_values:
        assert kept["unique_weights"].found == 5


def test_lost_zeros_are_seen(file: _File) -> None:
    """A layer without its zeros: which, how many were promised, how many there are, where, and what to do."""
    with pytest.raises(
        BrokenPromiseError,
        match=rf"layer 'kept_not' in the {file.kind} file: \d+\.\d\d% of its weights are zero; at least 50.00% were "
        r"promised\. .*preserve_sparsity",
    ):
        file.check(LayerPromise(layer="kept", sparsity=0.5), LayerPromise(layer="kept_not", sparsity=0.5))


def test_zeros_in_the_wrong_places_are_seen(file: _File) -> None:
    """There are as many zeros as promised, but not in each group of neighbours."""
    file.check(LayerPromise(layer="unruly", sparsity=0.5))
    with pytest.raises(BrokenPromiseError, match=r"'unruly' .* \d+ groups of its weights have fewer zeros"):
        file.check(LayerPromise(layer="unruly", pattern="2:4"))


def test_a_skipped_layer_is_seen(file: _File) -> None:
    """A convolution that was not clustered has too many values even in one channel."""
    with pytest.raises(
        BrokenPromiseError,
        match=r"'kept_not' .*an output channel has \d+ different weights; at most 5 were promised.*"
        "preserve_clusters",
    ):
        file.check(LayerPromise(layer="kept_not", clusters=5, clusters_per_channel=True))


def test_values_per_channel_are_not_values_per_layer(file: _File) -> None:
    """Where the file can show it, a layer whose channels have different values breaks its promise."""
    promise = LayerPromise(layer="own", clusters=4)
    if file.shows_shared_values:
        with pytest.raises(
            BrokenPromiseError, match=r"'own' .* it has 128 different weights; at most 4 .* per_channel: true"
        ):
            file.check(promise)
    else:
        assert file.check(promise).keys() == {"unique_weights_per_channel"}


def test_values_per_channel_are_fine_where_that_was_promised(file: _File) -> None:
    """The same layer, promised for each channel, passes in every export."""
    kept = file.check(LayerPromise(layer="own", clusters=4, clusters_per_channel=True))
    assert kept.keys() == {"unique_weights_per_channel"}
    assert kept["unique_weights_per_channel"].found == 4


@pytest.mark.parametrize("name", ["kep", "kept_no", "chain", "kept/Conv2D", "kept_norm_2"])
def test_a_layer_of_another_name_is_missing(file: _File, name: str) -> None:
    """A missing layer is not confused with one whose name has the same beginning."""
    with pytest.raises(
        BrokenPromiseError,
        match=rf"layer '{name}', .* is not in the {file.kind} file.* There are classifier, kept, kept_not, own, stem "
        "and 1 more",
    ):
        file.check(LayerPromise(layer=name, sparsity=0.5))


def test_the_layer_nearest_to_breaking_is_named(file: _File) -> None:
    """Among several layers, these are the one with the fewest zeros and the one with the most values."""
    kept = file.check(
        LayerPromise(layer="kept", sparsity=0.4, clusters=9),
        LayerPromise(layer="own", clusters=4, clusters_per_channel=True),
        LayerPromise(layer="unruly", sparsity=0.4),
        LayerPromise(layer="stem"),
    )
    assert (kept["sparsity"].layer, kept["sparsity"].layers) in {("kept", 2), ("unruly", 2)}
    assert (kept["unique_weights_per_channel"].layer, kept["unique_weights_per_channel"].layers) == ("own", 2)


def test_all_that_break_are_counted(file: _File) -> None:
    """The worst is named, the others are counted."""
    with pytest.raises(BrokenPromiseError, match=r"layer 'kept_not' .*\(1 other layer breaks a promise as well\)"):
        file.check(LayerPromise(layer="kept_not", clusters=2), LayerPromise(layer="kept", clusters=2))


def test_nothing_promised_is_nothing_told(file: _File) -> None:
    """A layer of which nothing is promised need not be there."""
    assert file.check(LayerPromise(layer="gone"), LayerPromise(layer="kept")) == {}


@pytest.mark.parametrize("kind", ["float32", "int8"])
def test_a_dense_layer_under_a_normalization_is_found(kind: ExportKind, tmp_path: Path) -> None:
    """The converter names its weights after the normalization; they are known by what is computed with them."""
    image = keras.Input((SIDE, SIDE, 3))
    flow = keras.layers.GlobalAveragePooling2D()(image)
    hidden = keras.layers.Dense(16, use_bias=False, name="hidden")
    normalization = keras.layers.BatchNormalization(name="norm")
    flow = keras.layers.ReLU()(normalization(hidden(flow)))
    network = keras.Model(image, keras.layers.Softmax()(keras.layers.Dense(len(CLASSES))(flow)))
    hidden.set_weights([np.tile(_VALUES[:3], (16, 1)).T])
    normalization.set_weights(np.array([[2.0], [0.5], [0.1], [3.0]]) * np.linspace(1, 2, 16))
    model = TfliteFile.read(written(network, kind, tmp_path))
    (kept,) = check_layers([LayerPromise(layer="hidden", clusters=3)], model, kind, normalized_layers(network))
    assert (kept.kind, kept.found, kept.layer) == ("unique_weights_per_channel", 3, "hidden")


def test_equal_layers_are_both_found(tmp_path: Path) -> None:
    """The converter stores equal weights once, under one layer's name; the promise of the other holds as well."""
    kernel = np.tile(_VALUES, (3, 3, 8, 2))
    network = chain({"stem": np.ones((1, 1, 3, 8), np.float32), "one": kernel, "other": kernel})
    model = TfliteFile.read(written(network, "float32", tmp_path))
    promises = [LayerPromise(layer=layer, clusters=4) for layer in ("one", "other")]
    assert [kept.layers for kept in check_layers(promises, model, "float32")] == [2, 2]


def _int8(codes: Sequence[Sequence[int]]) -> TfliteFile:
    """A file of one dense layer, ``layer``, with a scale for each channel; one row of codes for each."""
    rows = np.array(codes, np.int8)
    flow = [Tensor(name=name, shape=(1, 4), type="int8") for name in ("pixels", "net/layer/MatMul1")]
    weights = Tensor(
        name="net/layer/MatMul",
        shape=rows.shape,
        type="int8",
        content=rows.view(np.uint8).reshape(-1),
        zero_points=(0,) * len(rows),
    )
    return TfliteFile(TfliteModel((*flow, weights), (Operator("FULLY_CONNECTED", (0, 2, None), (1,)),), (0,), (1,)))


_TRAINED = LayerPromise(layer="layer", clusters=3, grid="layer")


def test_layers_trained_for_one_scale_have_few_codes_in_int8() -> None:
    """Though each channel has a scale, the codes of the whole layer are counted, with or without a normalization."""
    for normalized in ((), ("layer",)):
        kept = check_layers([_TRAINED], _int8([[0, 5, 127], [5, 127, 0]]), "int8", normalized)
        assert [(one.kind, one.found) for one in kept] == [("unique_weights", 3), ("unique_weights_per_channel", 3)]


@pytest.mark.parametrize("kind", ["int8", "int16x8", "dynamic"])
def test_one_scale_that_was_lost_is_seen(kind: ExportKind) -> None:
    """Codes that differ from channel to channel break the promise of a layer that was trained for one scale."""
    with pytest.raises(
        BrokenPromiseError, match=rf"'layer' in the {kind} file: it has 4 different weights; at most 3 were promised"
    ):
        check_layers([_TRAINED], _int8([[0, 5, 127], [0, 7, 127]]), kind)


def test_negative_factors_of_a_normalization_turn_codes_round() -> None:
    """With a normalization after it, codes are compared by absolute value; elsewhere a sign is a difference."""
    model = _int8([[0, 5, 127], [0, -5, -127]])
    assert check_layers([_TRAINED], model, "int8", {"layer"})[0].found == 3
    with pytest.raises(BrokenPromiseError, match="5 different weights"):
        check_layers([_TRAINED], model, "int8")


@pytest.mark.parametrize(
    ("rows", "pattern", "broken"),
    [
        ([[0, 0, 1, 1], [1, 0, 0, 1]], "2:4", 0),
        ([[0, 1, 1, 1], [0, 0, 0, 1]], "2:4", 1),
        ([[1, 0, 0, 1, 1, 1]], "2:4", 0),  # the last group is as good as [1, 1, 0, 0]
        ([[1, 0, 0, 1, 1, 1, 1]], "2:4", 1),
        ([[1, 0, 1, 0]], "1:2", 0),
        ([[1, 1, 0, 0]], "1:2", 1),
    ],
)
def test_groups_run_along_the_inputs_and_are_filled_up(rows: list[list[int]], pattern: str, broken: int) -> None:
    """A group does not continue in the next row, and is padded with zeros at the end."""
    codes: npt.NDArray[np.int8] = np.array(rows, np.int8)
    weights = StoredWeights(tensor=0, operators=(), codes=codes, zero_codes=np.zeros(1, np.int64), channel_axis=0)
    assert groups_with_too_few_zeros(weights, pattern) == broken
