"""Decompositions, ranks and replaced layers, against numpy and against networks whose weights have a known rank."""

from typing import Any

import numpy as np
import pytest

from edgepress_common.errors import InvalidInputError
from edgepress_common.spec import FactorizeStage
from edgepress_worker.keras_cost import shape_of
from edgepress_worker.keras_environment import keras
from edgepress_worker.low_rank.decomposition import Decomposition
from edgepress_worker.low_rank.ranks import choose_ranks
from edgepress_worker.low_rank.replacement import with_replacements

RANDOM = np.random.default_rng(4)


def of_ranks(shape: tuple[int, ...], ranks: tuple[int, int]) -> Any:
    """Return a kernel whose unfoldings along input and output channels have given ranks."""
    height, width, taken, made = shape
    core = RANDOM.normal(size=(height, width, *ranks))
    entry, leaving = RANDOM.normal(size=(taken, ranks[0])), RANDOM.normal(size=(ranks[1], made))
    return np.einsum("hwrs,ir,so->hwio", core, entry, leaving).astype(np.float32)


def product(kernel: np.ndarray, ranks: tuple[int, ...]) -> Any:
    """Return the product of the factors, in the shape of the kernel."""
    factors = Decomposition(kernel).factors(ranks)
    taken, made = kernel.shape[-2:]
    entry = np.eye(taken) if factors.entry is None else factors.entry[0, 0]
    leaving = np.eye(made) if factors.exit is None else factors.exit[0, 0]
    if factors.core is None:
        return (entry @ leaving).reshape(kernel.shape)
    return np.einsum("ir,hwrs,so->hwio", entry, factors.core, leaving)


def error(kernel: np.ndarray, ranks: tuple[int, ...]) -> float:
    """Return the squared error of the product, relative to the kernel."""
    return float(np.sum((product(kernel, ranks) - kernel) ** 2) / np.sum(kernel**2))


@pytest.mark.parametrize("shape", [(30, 20), (1, 1, 12, 24)])
def test_a_matrix_is_replaced_by_the_nearest_of_its_rank(shape: tuple[int, ...]) -> None:
    """Its error is the sum of the squares of the singular values that are left out (Eckart and Young)."""
    kernel = RANDOM.normal(size=shape).astype(np.float32)
    values = np.linalg.svd(kernel.reshape(shape[-2:]), compute_uv=False)
    for rank in (1, 5, 12):
        assert error(kernel, (rank,)) == pytest.approx(np.sum(values[rank:] ** 2) / np.sum(values**2), abs=1e-6)
    factors = Decomposition(kernel).factors((5,))
    assert factors.entry is not None
    assert factors.exit is not None
    assert np.linalg.norm(factors.entry) == pytest.approx(np.linalg.norm(factors.exit), rel=1e-5)


def test_a_kernel_of_low_ranks_is_its_factors() -> None:
    """At its ranks nothing is lost, at full ranks neither; at one less, something is."""
    kernel = of_ranks((3, 3, 10, 8), (4, 3))
    assert error(kernel, (4, 3)) < 1e-10
    assert error(kernel, (10, 3)) < 1e-10
    assert error(kernel, (10, 8)) < 1e-10
    assert error(kernel, (3, 3)) > 1e-3


def test_alternating_least_squares_is_at_least_as_near_as_truncated_spectra() -> None:
    """The error is at most that of the truncated higher-order decomposition, and at least that of either spectrum."""
    kernel = RANDOM.normal(size=(3, 3, 10, 8)).astype(np.float32)
    ranks, bases, lost = (4, 3), [], []
    for axis, rank in zip((2, 3), ranks, strict=True):
        unfolded = np.moveaxis(kernel, axis, 0).reshape(kernel.shape[axis], -1)
        left, values, _ = np.linalg.svd(unfolded, full_matrices=False)
        bases.append(left[:, :rank] @ left[:, :rank].T)
        lost.append(np.sum(values[rank:] ** 2) / np.sum(values**2))
    truncated = np.einsum("hwio,ij,ok->hwjk", kernel, *bases)
    assert max(lost) <= error(kernel, ranks) < float(np.sum((truncated - kernel) ** 2) / np.sum(kernel**2))


def network(image: tuple[int, int, int] = (9, 9, 3)) -> Any:
    """Return a network with layers of low rank of every sort, and layers that can't be replaced.

    One convolution is called twice. Weights of all layers are random; biases are not zero.
    """
    keras.backend.clear_session()
    layers = keras.layers
    pixels = keras.Input(image, name="pixels")
    flow = layers.Conv2D(16, 3, name="stem")(pixels)
    flow = layers.Conv2D(16, 3, padding="same", strides=2, activation="relu", name="strided")(flow)
    flow = layers.BatchNormalization(name="normalization")(flow)
    flow = layers.Conv2D(16, 3, padding="same", dilation_rate=2, use_bias=False, name="dilated")(flow)
    flow = layers.Conv2D(16, 3, padding="same", groups=4, name="grouped")(flow)
    flow = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(flow)
    twice = layers.Conv2D(16, 3, padding="same", activation="relu", name="twice")
    flow = layers.Add(name="add")([flow, twice(twice(flow))])
    flow = layers.Conv2D(32, 1, strides=2, activation="relu", name="pointwise")(flow)
    flow = layers.Flatten(name="flat")(flow)
    flow = layers.Dense(24, activation="relu", name="dense")(flow)
    made = keras.Model(pixels, layers.Dense(5, activation="softmax", name="classifier")(flow))
    low = {"strided": (4, 4), "dilated": (4, 2), "twice": (4, 8), "pointwise": (4, 4), "dense": (8, 8)}
    for layer in made.layers:
        weights = [RANDOM.uniform(0.1, 0.3, weight.shape) for weight in layer.get_weights()]
        if layer.name in low:
            shape = layer.get_weights()[0].shape
            weights[0] = of_ranks((1, 1, *shape)[-4:], low[layer.name]).reshape(shape) / 30
        layer.set_weights(weights)
    return made


def stage(rank: dict[str, Any], **changes: Any) -> FactorizeStage:
    """Return the stage with a rule for ranks."""
    return FactorizeStage.model_validate({"multiple_of": 1, "rank": rank} | changes)


NEARLY_ALL = {"kind": "energy", "energy": 1 - 1e-9}


def test_layers_of_low_rank_are_replaced_without_a_trace() -> None:
    """Strides, padding, dilation, biases, activations and a layer that is called twice: the outputs are equal."""
    before = network()
    choice = choose_ranks(before, stage(NEARLY_ALL))
    assert {name: ranks for name, (_, ranks) in choice.items()} == {
        "strided": (4, 4), "dilated": (4, 2), "twice": (4, 8), "pointwise": (4,), "dense": (8,),
    }  # fmt: skip
    after = with_replacements(before, choice)
    images = RANDOM.normal(size=(4, 9, 9, 3)).astype(np.float32)
    np.testing.assert_allclose(after(images), before(images), atol=1e-5)
    assert [layer.name for layer in after.layers if "strided" in layer.name] == [
        "strided_reduce", "strided_core", "strided",
    ]  # fmt: skip
    assert after.get_layer("pointwise_reduce").strides == (2, 2)
    assert len(after.get_layer("twice").inbound_nodes) == 2


def test_the_cost_is_known_before_the_network_is_built() -> None:
    """The MACs and weights by which layers and targets are chosen are those of the network."""
    before = network()
    for rank in (NEARLY_ALL, {"kind": "bayes"}, {"kind": "target", "of": "weights", "share": 0.7}):
        choice = choose_ranks(before, stage(rank))
        shape = shape_of(with_replacements(before, choice))
        for of in ("macs", "weights"):
            saved = sum(getattr(each.cost, of) - getattr(each.cost_at(ranks), of) for each, ranks in choice.values())
            assert getattr(shape, of) == getattr(shape_of(before), of) - saved
            assert saved > 0


def dense_network() -> Any:
    """Return a chain of dense layers of full rank, one with a spectrum that falls quickly."""
    keras.backend.clear_session()
    pixels = keras.Input((40,), name="pixels")
    flow = keras.layers.Dense(40, use_bias=False, name="quick")(pixels)
    made = keras.Model(pixels, keras.layers.Dense(30, use_bias=False, name="slow")(flow))
    quick = RANDOM.normal(size=(40, 40)) * 0.8 ** np.arange(40)
    made.set_weights([quick, RANDOM.normal(size=(40, 30))])
    return made


def ranks_at(energy: float, kernels: list[np.ndarray]) -> list[int]:
    """Return the smallest ranks with a share of the squared singular values."""
    ranks = []
    for kernel in kernels:
        squares = np.linalg.svd(kernel.astype(np.float64), compute_uv=False) ** 2
        ranks.append(next(r for r in range(1, len(squares) + 1) if squares[:r].sum() >= energy * squares.sum()))
    return ranks


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.9, 0.6, 0.3])
def test_a_target_keeps_as_much_energy_as_it_can(share: float) -> None:
    """Compared with every energy on a fine grid; a layer whose spectrum falls quickly gets the lower rank."""
    before = dense_network()
    kernels = before.get_weights()
    best = {}
    for energy in np.linspace(0, 1, 4001):
        ranks = ranks_at(energy, kernels)
        sizes = [min(kernel.size, rank * sum(kernel.shape)) for kernel, rank in zip(kernels, ranks, strict=True)]
        if sum(sizes) <= share * sum(kernel.size for kernel in kernels):
            best = dict(zip(("quick", "slow"), ranks, strict=True))
    choice = choose_ranks(before, stage({"kind": "target", "share": share}))
    assert {name: rank for name, (_, (rank,)) in choice.items()}.items() <= best.items()
    assert choice["quick"][1][0] < best["slow"]
    assert shape_of(with_replacements(before, choice)).macs <= share * shape_of(before).macs


def test_energy_is_the_share_of_the_squared_singular_values() -> None:
    """For a convolution, of both of its unfoldings."""
    before = dense_network()
    choice = choose_ranks(before, stage({"kind": "energy", "energy": 0.5}))
    assert [ranks for _, (ranks,) in choice.values()] == ranks_at(0.5, before.get_weights())
    kernel = RANDOM.normal(size=(3, 3, 12, 20)).astype(np.float32)
    unfolded = [np.moveaxis(kernel, axis, 0).reshape(kernel.shape[axis], -1) for axis in (2, 3)]
    pixels = keras.Input((8, 8, 12))
    convolution = keras.Model(pixels, keras.layers.Conv2D(20, 3, use_bias=False, name="only")(pixels))
    convolution.set_weights([kernel])
    choice = choose_ranks(convolution, stage({"kind": "energy", "energy": 0.5}))
    assert list(choice["only"][1]) == ranks_at(0.5, unfolded)


def test_ranks_are_rounded_up() -> None:
    """They become multiples, but at most the number of channels."""
    choice = choose_ranks(network(), stage(NEARLY_ALL, multiple_of=3, layers={"include": ["name:*d*"]}))
    assert {name: ranks for name, (_, ranks) in choice.items()} == {"strided": (6, 6), "dilated": (6, 3), "dense": (9,)}


def test_a_name_that_is_taken_gets_a_number() -> None:
    """An uploaded network can have a layer of any name."""
    layers = keras.layers
    pixels = keras.Input((8,), name="pixels")
    flow = layers.Dense(64, name="wide_reduce")(pixels)
    before = keras.Model(pixels, layers.Dense(64, name="wide")(flow))
    choice = choose_ranks(before, stage({"kind": "target", "share": 0.8}, layers={"include": ["name:wide"]}))
    assert [layer.name for layer in with_replacements(before, choice).layers] == [
        "pixels", "wide_reduce", "wide_reduce_1", "wide",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rank", "changes", "message"),
    [
        (NEARLY_ALL, {"layers": {"include": ["first", "last"]}}, "replaces no layer: at its ranks"),
        (
            NEARLY_ALL,
            {"multiple_of": 16, "layers": {"include": ["name:*t*d"]}},
            "multiples of 16, no selected layer .* accepted: .* a smaller multiple_of",
        ),
        ({"kind": "target", "share": 0.01}, {}, r"rank.share is 0.01 of the macs, .* accepted: 0\.\d+ or more"),
        (NEARLY_ALL, {"layers": {"include": ["name:nothing"]}}, "matches none of the network's layers"),
    ],
)
def test_what_saves_nothing_is_refused(rank: dict[str, Any], changes: dict[str, Any], message: str) -> None:
    """The error has the value and what is accepted; the nearest target is one that can be met."""
    before = network()
    with pytest.raises(InvalidInputError, match=message) as caught:
        choose_ranks(before, stage(rank, **changes))
    if rank["kind"] == "target":
        nearest = float(str(caught.value).split("accepted: ")[1].split()[0])
        assert choose_ranks(before, stage(rank | {"share": nearest}))
