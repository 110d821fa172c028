"""Who writes which kind of export. To add one: its file beside these, and its line here."""

from collections.abc import Mapping
from typing import Any

from edgepress_common.spec.exports import ExportKind
from edgepress_worker.exports.dynamic import export_dynamic
from edgepress_worker.exports.exporter import Exporter
from edgepress_worker.exports.float16 import export_float16
from edgepress_worker.exports.float32 import export_float32
from edgepress_worker.exports.int8 import export_int8
from edgepress_worker.exports.int16x8 import export_int16x8

# Each takes the parameters of its kind, which a mapping's type can't say.
EXPORTERS: Mapping[ExportKind, Exporter[Any]] = {
    "float32": export_float32,
    "float16": export_float16,
    "dynamic": export_dynamic,
    "int16x8": export_int16x8,
    "int8": export_int8,
}
