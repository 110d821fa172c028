"""Lists of pipelines that go by a name."""

from typing import Literal, get_args

from edgepress_common.spec.exports import DynamicExport, Float16Export, Float32Export, Int8Export, Int16x8Export
from edgepress_common.spec.pipeline import Pipeline

PresetName = Literal["quick"]

_ALL_EXPORTS = (Float32Export(), Float16Export(), DynamicExport(), Int16x8Export(), Int8Export())

PRESETS: dict[PresetName, tuple[Pipeline, ...]] = {
    # Post-training quantization of one network: what can be had without training again.
    "quick": (Pipeline(name="base", exports=_ALL_EXPORTS),),
}

assert set(PRESETS) == set(get_args(PresetName))
