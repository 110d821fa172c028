"""Files describe themselves: what MediaPipe and other tools read from them, and that nothing else changes."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from flatbuffers import number_types
from flatbuffers.table import Table

from edgepress_common.promises import LayerPromise
from edgepress_common.spec.exports import ExportKind
from edgepress_common.steps import ExportStep
from edgepress_worker.coded.parts import find_parts
from edgepress_worker.exports import StoredNetwork, run_export
from edgepress_worker.exports.model_metadata import METADATA_NAME, described
from edgepress_worker.tflite.model import parse_tflite
from edgepress_worker.tflite.weights import read_weights
from fakes.small_network import CLASSES, SIDE, Kernel, saved, small_network, small_pack, written
from fakes.step_context import PlainContext

_KINDS: tuple[ExportKind, ...] = get_args(ExportKind)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Callable[[ExportKind], bytes]:
    """Files of a small network as the converter writes them, of each kind."""
    folder = tmp_path_factory.mktemp("plain")
    network = small_network()
    return lambda kind: written(network, kind, folder).read_bytes()


def _described(content: bytes, kind: str = "float32") -> bytes:
    return described(content, classes=CLASSES, side=SIDE, is_quantized=kind == "int8")


def _outputs(content: bytes) -> list[list[float]]:
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    (entry,), (end,) = interpreter.get_input_details(), interpreter.get_output_details()
    outputs = []
    for image in small_pack().train.images[:8]:
        pixels = image.astype(entry["dtype"]) if entry["dtype"] == np.float32 else (image.astype(int) - 128)
        interpreter.set_tensor(entry["index"], pixels[np.newaxis].astype(entry["dtype"]))
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(end["index"])[0].tolist())
    return outputs


@pytest.mark.parametrize("kind", _KINDS)
def test_a_described_file_computes_the_same(kind: ExportKind, plain: Callable[[ExportKind], bytes]) -> None:
    """LiteRT loads it, with equal outputs; the bytes of the file are in it, and its constants are still aligned."""
    before = plain(kind)
    after = _described(before, kind)
    assert before in after
    assert _outputs(after) == _outputs(before)
    shift = after.index(before)
    assert shift % 16 == 0
    moved = {part.offset + shift: bytes(part.content) for part in find_parts(before)}
    assert {part.offset: bytes(part.content) for part in find_parts(after)} == moved
    assert 0 < len(after) - len(before) < 2500


@pytest.mark.parametrize("kind", ["float32", "int8"])
def test_labels_are_read_as_an_archive(kind: ExportKind, plain: Callable[[ExportKind], bytes]) -> None:
    """For readers of model metadata, the file is a zip archive, whose members are stored, not compressed."""
    after = _described(plain(kind), kind)
    with zipfile.ZipFile(io.BytesIO(after)) as archive:
        (member,) = archive.infolist()
        assert (member.filename, member.compress_type) == ("labels.txt", zipfile.ZIP_STORED)
        assert archive.read("labels.txt").decode().splitlines() == list(CLASSES)
        assert after[member.header_offset :].startswith(b"PK\3\4")  # offsets count from the beginning of the file


def test_the_metadata_describes_input_and_output(plain: Callable[[ExportKind], bytes]) -> None:
    """Pixels from 0 to 255 without normalization, RGB, and probabilities whose labels are in labels.txt."""
    for kind in ("float32", "int8"):
        metadata = parse_tflite(_described(plain(kind), kind)).metadata[METADATA_NAME]
        assert metadata[4:8] == b"M001"
        model = _root(metadata)
        (graph,) = _tables(model, 3)
        (entry,), (end,) = _tables(graph, 2), _tables(graph, 3)
        assert _text(entry, 0) == "image"
        assert "from 0 to 255" in _text(entry, 1)
        assert ("zero point" in _text(entry, 1)) == (kind == "int8")
        content = _table(entry, 3)
        assert _byte(content, 0) == 2  # an image
        assert _byte(_table(content, 1), 0) == 1  # RGB
        size = _table(_table(content, 1), 1)
        assert [_number(size, field) for field in (0, 1)] == [SIDE, SIDE]
        (unit,) = _tables(entry, 4)
        assert _byte(unit, 0) == 1  # normalization
        assert [_floats(_table(unit, 1), field) for field in (0, 1)] == [[0.0], [1.0]]
        assert [_floats(_table(entry, 5), field) for field in (0, 1)] == [[255.0], [0.0]]
        assert _text(end, 0) == "probability"
        assert [_floats(_table(end, 5), field) for field in (0, 1)] == [[1.0], [0.0]]
        (labels,) = _tables(end, 6)
        assert (_text(labels, 0), _byte(labels, 2)) == ("labels.txt", 2)  # labels of the axis


def test_metadata_of_the_converter_stays(plain: Callable[[ExportKind], bytes]) -> None:
    """The entries that it has written come first, with their bytes."""
    before = plain("float16")
    kept = parse_tflite(before).metadata
    assert kept
    assert list(parse_tflite(_described(before)).metadata.items())[:-1] == list(kept.items())


@pytest.mark.parametrize("encoding", ["dense", "sparse"])
def test_an_export_is_described(encoding: str, tmp_path: Path) -> None:
    """Dense or without its zeros, the stored file has its labels, in UTF-8, and weighs what the result says."""

    def mostly_zero(kernel: Kernel) -> Kernel:
        return kernel * (np.random.default_rng(2).random(kernel.shape) < 0.1)

    step = ExportStep.model_validate({"export": {"kind": "float32", "encoding": encoding}, "seed": 1})
    source = StoredNetwork(
        saved(small_network(mostly_zero), tmp_path), (LayerPromise(layer="pointwise", sparsity=0.8),)
    )
    pack = small_pack()
    classes = ("Schnörkel", "点", "x\ny")
    context = PlainContext(tmp_path)
    outputs, result = run_export(step, type(pack)(classes, pack.train, pack.validation), source, context)
    path = context.store.local_path(outputs["tflite"].sha256)
    assert result.encoding == encoding
    assert result.size_bytes == path.stat().st_size
    assert ("DENSIFY" in parse_tflite(path.read_bytes()).operator_counts()) == (encoding == "sparse")
    assert any(layer.codes.any() for layer in read_weights(parse_tflite(path.read_bytes())))
    with zipfile.ZipFile(path) as archive:
        assert archive.read("labels.txt").decode() == "Schnörkel\n点\nx\\ny\n"


def _root(content: bytes) -> Table:
    return Table(content, int.from_bytes(content[:4], "little"))


def _place(table: Table, field: int) -> int:
    place = table.Offset(4 + 2 * field)
    assert place, f"field {field} is missing"
    return int(place)


def _table(table: Table, field: int) -> Table:
    return Table(table.Bytes, table.Indirect(table.Pos + _place(table, field)))


def _tables(table: Table, field: int) -> list[Table]:
    place = _place(table, field)
    start = table.Vector(place)
    return [Table(table.Bytes, table.Indirect(start + 4 * index)) for index in range(table.VectorLen(place))]


def _text(table: Table, field: int) -> str:
    return bytes(table.String(table.Pos + _place(table, field))).decode()


def _byte(table: Table, field: int) -> int:
    return int(table.Get(number_types.Uint8Flags, table.Pos + _place(table, field)))


def _number(table: Table, field: int) -> int:
    return int(table.Get(number_types.Uint32Flags, table.Pos + _place(table, field)))


def _floats(table: Table, field: int) -> list[float]:
    place = _place(table, field)
    start = table.Vector(place)
    return [float(table.Get(number_types.Float32Flags, start + 4 * n)) for n in range(table.VectorLen(place))]
