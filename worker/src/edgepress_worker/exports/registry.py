"""The function that writes each kind of export."""

from typing import Any

from edgepress_worker import exports
from edgepress_worker.exports.exporter import Exporter
from edgepress_worker.implementations import Implementations

# Each takes the parameters of its kind.
EXPORTERS: Implementations[Exporter[Any]] = Implementations(
    exports.__name__, exports.__path__, folder="worker/exports", name="EXPORTER"
)
