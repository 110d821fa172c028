"""Promises of stages and exports about weights and files, and their verification.

A stage promises properties of each layer's weights. The next stage reads the promises from the result of the step
before, and every export is verified against them. TFMOT's wrappers can fail silently; a promise that is verified in the
exported file can't.

`PROMISES` declares each kind of promise once: its direction and its texts. The worker's verification, the report and
the documentation use it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from edgepress_common.frozen import Frozen, MaybeUnknown, added_field

Block = Literal["weight", "kernel", "1x2", "1x4", "1x8"]
"""Unit that the weights of a layer share: single values; kernels of a convolution, of all its weights between an input
and an output channel; or the weights of so many neighbouring input channels."""


class LayerPromise(Frozen):
    """Promised properties of one layer's weights (its kernel, not its bias).

    Attributes:
        layer: Name of the Keras layer.
        sparsity: Minimum share of zeros, 0 to 1; None if not promised.
        pattern: Zeros in each group of neighbours, such as ``2:4``; None if not promised.
        clusters: Maximum number of different values, or of different blocks; None if not promised.
        clusters_per_channel: Whether ``clusters`` applies to each output channel instead of the layer.
        block: The block that ``clusters`` counts.
        hashed: Whether all weights that `edgepress_common.bundle_files.decode.hashes` assigns to the same of
            ``clusters`` places have the same value.
        largest_code: Weights are codes up to this one, positive or negative, times a learned scale for each output
            channel; None if not promised.
        grid: Whether the weights are on an int8 grid with one scale per ``channel`` or one per ``layer``; None if not
            promised.
    """

    layer: str
    sparsity: float | None = Field(default=None, ge=0, le=1)
    pattern: str | None = None
    clusters: int | None = Field(default=None, ge=1)
    clusters_per_channel: bool = False
    block: Block = added_field("weight")
    hashed: bool = added_field(default=False)
    largest_code: int | None = added_field(None, ge=1, le=127)
    grid: Literal["channel", "layer"] | None = None


class ShapePromise(Frozen):
    """The promised shape of a network that has other layers or channels than the model that it started from.

    Attributes:
        macs: Multiply-accumulate operations of one inference, counted as in a .tflite file.
        weights: Number of weights that these multiply, without biases.
        channels: Number of output channels of each convolution and dense layer, by the name of the Keras layer.
    """

    macs: int = Field(ge=0)
    weights: int = Field(ge=0)
    channels: dict[str, int]


@dataclass(frozen=True)
class PromiseWords:
    """The texts of one kind of promise. The functions receive the promised and the found number.

    Attributes:
        title: Name in the documentation.
        relation: Whether the found number must be at least, at most or exactly the promised one.
        verified: What is verified in the file, for the documentation.
        promised: Text for the promised number.
        found: Text for the found number; the place follows it.
        where: Which layer ``found`` refers to, such as ``in the layer with most``.
        perfect: The found number for which no layer needs to be named.
        broken: Text for a broken promise of a layer; empty for promises that are not about layers.
        kept_by: Option of later stages that keeps the promise, and what it keeps; None if there is none.
        advice: Additional advice if the promise is broken.
        each: Preposition before "each of 21 layers".
    """

    title: str
    relation: Literal[">=", "<=", "="]
    verified: str
    promised: Callable[[float], str]
    found: Callable[[float], str]
    where: str = ""
    perfect: float | None = None
    broken: Callable[[float, float], str] = lambda _promised, _found: ""
    kept_by: tuple[str, str] | None = None
    advice: str = ""
    each: str = "in"

    def margin(self, promised: float, found: float) -> float:
        """Return by how much the promise is exceeded; negative if it is broken."""
        match self.relation:
            case ">=":
                return found - promised
            case "<=":
                return promised - found
            case "=":
                return -abs(found - promised)


_ZEROS = ("preserve_sparsity", "zeros")
_VALUES = ("preserve_clusters", "shared values")


def _few_different(stored: str, shared: str, *, per_channel: bool = False, advice: str = "") -> PromiseWords:
    """Return the texts of a promise that few of the weights or blocks differ, in a layer or in each output channel."""
    counted = "different blocks of weights" if stored == "blocks" else f"different {shared}"
    place = "output channel" if per_channel else "layer"
    owner = "an output channel" if per_channel else "it"
    in_each = " in each output channel" if per_channel else ""
    return PromiseWords(
        title=f"unique {shared}{' per channel' if per_channel else ''}",
        relation="<=",
        verified=f"{counted} in each {place}",
        promised=lambda promised: f"at most {promised:g} different {shared}{in_each}",
        found=lambda found: f"{found:g}",
        where=f"in the {'channel' if per_channel else 'layer'} with most",
        broken=lambda promised, found: (
            f"{owner} has {found:.0f} different {stored}; at most {promised:.0f} were promised"
        ),
        kept_by=_VALUES,
        advice=advice,
        each="of" if per_channel else "in",
    )


PROMISES: dict[str, PromiseWords] = {
    "sparsity": PromiseWords(
        title="sparsity",
        relation=">=",
        verified="share of zeros in each layer",
        promised=lambda promised: f"at least {100 * promised:g} % zeros",
        found=lambda found: f"{100 * found:.1f} %",
        where="in the layer with fewest",
        broken=lambda promised, found: f"{found:.2%} of its weights are zero; at least {promised:.2%} were promised",
        kept_by=_ZEROS,
    ),
    "pattern": PromiseWords(
        title="pattern",
        relation="<=",
        verified="groups with too few zeros",
        promised=lambda _: "the pattern of zeros",
        found=lambda found: "kept in every group" if found == 0 else f"{found:g} groups off it",
        where="at most",
        perfect=0,
        broken=lambda _, found: f"{found:.0f} groups of its weights have fewer zeros than the promised pattern",
        kept_by=_ZEROS,
    ),
    "unique_weights": _few_different(
        "weights", "values", advice="If each channel should have its own values, set per_channel: true. "
    ),
    "unique_weights_per_channel": _few_different("weights", "values", per_channel=True),
    "unique_blocks": _few_different("blocks", "blocks"),
    "unique_blocks_per_channel": _few_different("blocks", "blocks", per_channel=True),
    "hashed_weights": PromiseWords(
        title="hashed weights",
        relation="<=",
        verified="weights that differ from others with the same hash",
        promised=lambda _: "one value for all weights with the same hash",
        found=lambda found: "kept by every weight" if found == 0 else f"{found:g} weights off it",
        where="at most",
        perfect=0,
        broken=lambda _, found: f"{found:.0f} of its weights differ from others with the same hash",
        kept_by=_VALUES,
    ),
    "channels": PromiseWords(
        title="channels",
        relation="<=",
        verified="number of output channels of each convolution and dense layer",
        promised=lambda _: "the number of output channels",
        found=lambda found: "as promised" if found == 0 else f"{found:g} off",
        where="at most",
        perfect=0,
    ),
    "macs": PromiseWords(
        title="MACs",
        relation="=",
        verified="multiply-accumulate operations of one inference",
        promised=lambda promised: f"{promised:,.0f} multiply-accumulate operations",
        found=lambda found: f"{found:,.0f}",
    ),
    "weights": PromiseWords(
        title="weights",
        relation="=",
        verified="number of weights, without biases",
        promised=lambda promised: f"{promised:,.0f} weights",
        found=lambda found: f"{found:,.0f}",
    ),
    "float_operators": PromiseWords(
        title="no float operator",
        relation="<=",
        verified="operators that compute on floats",
        promised=lambda promised: "no float operator" if promised == 0 else f"at most {promised:g} float operators",
        found=lambda found: "none" if found == 0 else f"{found:g}",
    ),
    "float_layers": PromiseWords(
        title="layers in float",
        relation="=",
        verified="with `keep_float`, that exactly these layers compute on floats",
        promised=lambda promised: f"exactly {promised:g} layers in float",
        found=lambda found: f"{found:g}",
    ),
    "int16_layers": PromiseWords(
        title="layers in int16",
        relation="=",
        verified="with `int16_layers`, that exactly these layers compute with activations in int16",
        promised=lambda promised: f"exactly {promised:g} layers with activations in int16",
        found=lambda found: f"{found:g}",
    ),
    "weight_bits": PromiseWords(
        title="bits of weights",
        relation="<=",
        verified="bits of each weight of convolutions and dense layers, without depthwise ones",
        promised=lambda promised: f"at most {promised:g} bits per weight",
        found=lambda found: f"{found:g}",
        where="in the layer with most",
    ),
    "weight_scales": PromiseWords(
        title="scales of weights",
        relation="<=",
        verified="with `weight_scales: layer`, the largest number of scales in a layer",
        promised=lambda promised: (
            "one scale for the weights of each layer" if promised == 1 else f"{promised:g} scales"
        ),
        found=lambda found: f"{found:g}",
        where="in the layer with most",
    ),
    "float16_arithmetic": PromiseWords(
        title="float16 arithmetic",
        relation="=",
        verified="with `arithmetic: float16`, that the file allows the runtime to compute in float16",
        promised=lambda _promised: "arithmetic in float16 where the processor has it",
        found=lambda found: "allowed" if found else "not allowed",
    ),
    "classes": PromiseWords(
        title="classes",
        relation="=",
        verified="that the file classifies an image, with the expected number of classes",
        promised=lambda promised: f"{promised:g} outputs, one for each class",
        found=lambda found: f"{found:g}",
    ),
}

if TYPE_CHECKING:
    PromiseKind = str
else:
    PromiseKind = Literal[tuple(PROMISES)]


class KeptPromise(Frozen):
    """A promise and its verification in an exported file. An export whose file breaks a promise fails.

    Attributes:
        kind: Kind of promise, see `PROMISES`; ``sparsity`` is a share, all others are counts.
        promised: The promised number: a minimum, a maximum or an exact value, depending on the kind.
        found: The number in the file.
        layers: Number of layers that the promise covers; None if it is not about layers.
        layer: The layer of ``found``: the one that is closest to breaking the promise.
    """

    kind: MaybeUnknown[PromiseKind]
    promised: float
    found: float
    layers: int | None = None
    layer: str | None = None
