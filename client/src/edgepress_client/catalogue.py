"""The devices of the gateway, its methods, exports, networks and figures, and its templates of jobs."""

from collections.abc import Sequence

from edgepress_client.connection import Connection
from edgepress_common.answers.catalogue import (
    ArchitectureList,
    ExportList,
    ExportView,
    FigureList,
    MethodList,
    MethodView,
)
from edgepress_common.answers.devices import DeviceList
from edgepress_common.answers.latency import LatencyModelView
from edgepress_common.answers.templates import JobTemplate, TemplateList
from edgepress_common.architectures import Architecture


class Devices:
    """The devices that have connected to the gateway."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> DeviceList:
        """Return all devices, and how many evaluations wait for any of them."""
        return self._connection.get(DeviceList, "devices")

    def latency_model(self, device: str) -> LatencyModelView:
        """Return the latency model of a device, with its error and the files that it is fitted on.

        Args:
            device: Name of the device.
        """
        return self._connection.get(LatencyModelView, "devices", device, "latency-model")


class Catalogue:
    """The methods, exports and networks that a spec can name, the figures of a report, and templates of jobs."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def methods(self) -> Sequence[MethodView]:
        """Return the compression methods, with the JSON Schema of their parameters."""
        return self._connection.get(MethodList, "methods").methods

    def exports(self) -> Sequence[ExportView]:
        """Return the exports, with the JSON Schema of their parameters."""
        return self._connection.get(ExportList, "exports").exports

    def architectures(self) -> Sequence[Architecture]:
        """Return the networks."""
        return self._connection.get(ArchitectureList, "architectures").architectures

    def figures(self) -> FigureList:
        """Return the figures of a report's rows, and which of them are criteria of recommendations."""
        return self._connection.get(FigureList, "figures")

    def templates(self) -> Sequence[JobTemplate]:
        """Return the templates of jobs: specs to start from."""
        return self._connection.get(TemplateList, "templates").templates
