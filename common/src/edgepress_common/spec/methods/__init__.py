"""The compression methods, one file each: parameters and declaration, see `edgepress_common.spec.method`."""

from typing import TYPE_CHECKING, Literal

from edgepress_common.registry import Registry
from edgepress_common.spec.method import Method, StageParameters

METHODS: Registry[Method] = Registry(Method, package=__name__, path=__path__, folder="methods")

if TYPE_CHECKING:
    StageKind = str
    Stage = StageParameters
else:
    StageKind = Literal[tuple(METHODS)]
    Stage = METHODS.parameters_union()
