"""Restores .tflite files from a coded file (.epz): python decode.py MODEL.epz [MODEL.tflite, or a folder for several].

Needs Python 3.11 and numpy, and no other file: bundles carry this one. docs/coded-files.md describes the format byte by
byte. The file is decoded part by part, so that memory holds the largest part (at most 64 MiB) a few times; the restored
file is verified against its SHA-256 before it gets its name.

The entropy coder is rANS with interleaved lanes: J. Duda, "Asymmetric numeral systems" (arXiv 1311.2540), and
F. Giesen, "Interleaved entropy coders" (arXiv 1402.3392). Each step decodes one symbol of every lane, as numpy arrays.
"""

import hashlib
import lzma
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

MAGIC = b"\x89EPZ"
VERSION = 2
RAW, LZMA, CONSTANT, RANS, DELTA, PLANES, CODEBOOK, MASK, TRANSPOSED, IMAGES, HASHED = range(11)
INTERLEAVED, BLOCKED, CLASSED = range(3)
WIDTHS = (1, 2, 4, 8)

# A lane's state is in LOWEST ... 2^32 - 1 between symbols, and reads 16 bits when it is below.
LOWEST = 1 << 16
SCALE_BITS = range(8, 16)
HASH_BITS = range(1, 17)
LZMA_FILTERS = ({"id": lzma.FILTER_LZMA2, "dict_size": 4 << 20},)

# Bounds of memory and time that no file can exceed.
MOST_BYTES = 1 << 30
MOST_PART_BYTES = 1 << 26
MOST_PARTS = 1 << 16
MOST_FILES = 1 << 8
MOST_NAME_BYTES = 255
MOST_DEPTH = 5
MOST_LANES = 1 << 12
MOST_CODEBOOK_ENTRIES = 1 << 16
COLOURS = 3
IMAGE_BLOCK = 8
MOST_BLOCK_CLASSES = 16
MOST_CLASSES = 16
MOST_TABLE_ENTRIES = 1 << 22
# Rows of lanes; 4096 entries of a table, or 128 bytes of its description, count as one: half a minute on one core.
MOST_WORK = 1 << 21
ENTRIES_PER_WORK = 1 << 12
_TABLE_BYTES_PER_WORK = 128
_ROWS_AT_ONCE = 256
_MOST_OVERHEAD_BYTES = 1 << 16  # by which a coded part may be longer than what it restores to


class CodedFileError(ValueError):
    """The file is not a coded file that this decoder can restore."""


class Header(NamedTuple):
    """The header of a coded file.

    Attributes:
        size_bytes: Size of the .tflite file.
        sha256: SHA-256 of the .tflite file, in hexadecimal.
        name: Path of the .tflite file, with slashes; empty in a coded file of a single one.
    """

    size_bytes: int
    sha256: str
    name: str = ""


def decode_file(source: Path, target: Path, most_bytes: int = MOST_BYTES) -> Header:
    """Restore a .tflite file; the target appears only when it is complete and verified.

    Args:
        source: The coded file.
        target: The .tflite file to write; replaced if it exists.
        most_bytes: Size of the largest .tflite file that is accepted.

    Raises:
        CodedFileError: The coded file is damaged, of a newer version, or not a coded file.
        OSError: A file can't be read or written.
    """
    with source.open("rb") as coded:
        (header,), reader = _begin(coded, most_bytes, most_files=1)
        _restore(reader, header, target, is_last=True)
    return header


def decode_files(source: Path, folder: Path, most_bytes: int = MOST_BYTES) -> list[Path]:
    """Restore the .tflite files of a coded file with several; each appears only when it is complete and verified.

    Args:
        source: The coded file.
        folder: Folder for the .tflite files, which are named in the coded file; existing ones are replaced.
        most_bytes: Size of the .tflite files that is accepted, together.

    Returns:
        The paths of the .tflite files.

    Raises:
        CodedFileError: See `decode_file`; files before the damaged one are restored.
        OSError: A file can't be read or written.
    """
    with source.open("rb") as coded:
        headers, reader = _begin(coded, most_bytes)
        targets = [folder / header.name if header.name else folder / f"{source.stem}.tflite" for header in headers]
        for header, target in zip(headers, targets, strict=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            _restore(reader, header, target, is_last=header is headers[-1])
    return targets


def _restore(reader: "_Reader", header: Header, target: Path, *, is_last: bool) -> None:
    unfinished = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with unfinished.open("wb") as restored:
            _decode_into(reader, header, restored)
        if is_last:
            _check_end(reader)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def decode(source: BinaryIO, target: BinaryIO, most_bytes: int = MOST_BYTES) -> Header:
    """Restore a .tflite file to an open file; nothing of it is to be trusted if this raises.

    Args:
        source: The coded file, open for reading.
        target: Receives the bytes of the .tflite file in order.
        most_bytes: Size of the largest .tflite file that is accepted.

    Raises:
        CodedFileError: See `decode_file`.
    """
    (header,), reader = _begin(source, most_bytes, most_files=1)
    _decode_into(reader, header, target)
    _check_end(reader)
    return header


def _begin(source: BinaryIO, most_bytes: int, most_files: int = MOST_FILES) -> tuple[list[Header], "_Reader"]:
    headers = read_headers(source)
    if len(headers) > most_files:
        raise CodedFileError(f"the coded file has {len(headers)} .tflite files; accepted here: {most_files}")
    size_bytes = sum(header.size_bytes for header in headers)
    if size_bytes > most_bytes:
        files = "file has" if len(headers) == 1 else "files have"
        raise CodedFileError(f"the .tflite {files} {size_bytes} bytes; accepted: at most {most_bytes}")
    return headers, _Reader(source)


def _decode_into(reader: "_Reader", header: Header, target: BinaryIO) -> None:
    digest = hashlib.sha256()
    for part in _parts(reader, header.size_bytes):
        digest.update(part.data)
        target.write(part.data)
    if digest.hexdigest() != header.sha256:
        raise CodedFileError(
            f"damaged: the SHA-256 of what it restores to is {digest.hexdigest()}, that of the .tflite file is "
            f"{header.sha256}; download the file again"
        )


def _check_end(reader: "_Reader") -> None:
    if reader.source.read(1):
        raise CodedFileError("damaged: bytes follow the last part; download the file again")


def read_headers(source: BinaryIO) -> list[Header]:
    """Read which .tflite files a coded file restores.

    Raises:
        CodedFileError: It is not a coded file, or it has a newer version.
    """
    reader = _Reader(source)
    if reader.take(len(MAGIC)) != MAGIC:
        raise CodedFileError("this is not a coded file (.epz): its first bytes are others")
    version = reader.byte()
    if not 1 <= version <= VERSION:
        raise CodedFileError(
            f"the coded file has version {version}; this decoder reads versions 1 to {VERSION}: use the decoder of the "
            "release that wrote the file, or fetch the .tflite file"
        )
    names = [""]
    if version > 1:
        names = [_name(reader.take(reader.number(MOST_NAME_BYTES))) for _ in range(reader.number(MOST_FILES, least=1))]
    if len(set(names)) < len(names) or (len(names) > 1 and "" in names):
        raise CodedFileError("damaged: two .tflite files with one name, or one without; download the file again")
    return [Header(int.from_bytes(reader.take(8), "little"), reader.take(32).hex(), name) for name in names]


def _name(content: bytes) -> str:
    """Return the name of a file, which can't lie outside of the folder that it is written to."""
    try:
        name = content.decode()
    except UnicodeDecodeError as error:
        raise CodedFileError("damaged: a name that is not text; download the file again") from error
    if name and (not name.isprintable() or set(name) & {*'\\:*?"<>|'} or set(name.split("/")) & {"", ".", ".."}):
        raise CodedFileError(f"the file {name!r} has a name that is not accepted; accepted: a relative path")
    return name


def _parts(reader: "_Reader", size_bytes: int) -> Iterator[Bytes]:
    """Yield the bytes of the .tflite file in order."""
    count, rest_bytes = reader.number(MOST_PARTS), reader.number(min(size_bytes, MOST_PART_BYTES))
    rest = _decode_or_repeat_part(reader, rest_bytes) if rest_bytes else np.zeros(0, np.uint8)
    taken, left = 0, size_bytes - rest_bytes
    for _ in range(count):
        gap = reader.number(rest_bytes - taken)
        yield rest[taken : taken + gap]
        taken += gap
        part = _decode_or_repeat_part(reader, reader.number(min(left, MOST_PART_BYTES)))
        left -= len(part)
        yield part
    yield rest[taken:]
    if left:
        raise CodedFileError(f"damaged: {left} bytes of the .tflite file are missing; download the file again")


class _Reader:
    """Reads numbers and bytes, remembers where parts are and their sizes, and counts the work of decoding."""

    def __init__(self, source: BinaryIO) -> None:
        self.source = source
        self.taken = 0
        self.parts: list[tuple[int, int]] = []
        self._work = 0

    def take(self, count: int) -> bytes:
        content = self.source.read(count)
        if len(content) != count:
            raise CodedFileError("damaged: the coded file ends early; download the file again")
        self.taken += count
        return content

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self, most: int, least: int = 0) -> int:
        """Read a number as LEB128: seven bits per byte, the lowest first."""
        number = shift = 0
        while True:
            byte = self.byte()
            number |= (byte & 127) << shift
            if byte < 128:  # noqa: PLR2004 - the eighth bit says that another byte follows
                break
            shift += 7
            if shift > 35:  # noqa: PLR2004 - no number of the format is longer
                raise CodedFileError("damaged: a number is too long; download the file again")
        if not least <= number <= most:
            raise CodedFileError(f"damaged: {number} where {least} to {most} is accepted; download the file again")
        return number

    def work(self, rows: int) -> None:
        self._work += rows
        if self._work > MOST_WORK:
            raise CodedFileError(f"decoding takes more than {MOST_WORK} steps, which no encoder writes")


def _decode_or_repeat_part(reader: _Reader, count: int) -> Bytes:
    """Decode a part, or once more the earlier one of any file that it is equal to."""
    begin = reader.source.tell()
    length = reader.number(MOST_PART_BYTES + _MOST_OVERHEAD_BYTES)
    if length:
        if len(reader.parts) == MOST_PARTS:
            raise CodedFileError(f"the coded file has more than {MOST_PARTS} parts")
        reader.parts.append((begin, count))
        return _decode_part(reader, count, length)
    place = reader.number(MOST_PARTS)
    if place >= len(reader.parts) or reader.parts[place][1] != count:
        raise CodedFileError(f"damaged: a part of {count} bytes repeats part {place}; download the file again")
    begin, end = reader.parts[place][0], reader.source.tell()
    reader.source.seek(begin)
    part = _decode_part(reader, count, reader.number(MOST_PART_BYTES + _MOST_OVERHEAD_BYTES))
    reader.source.seek(end)
    return part


def _decode_part(reader: _Reader, count: int, length: int) -> Bytes:
    """Decode a part of a coded length, by which programs can tell parts apart without decoding them."""
    end = reader.taken + length
    part = _decode_node(reader, count)
    if reader.taken != end:
        raise CodedFileError(f"damaged: a part has another length than {length} bytes; download the file again")
    return part


def _decode_node(reader: _Reader, count: int, depth: int = 0) -> Bytes:
    """Decode a sequence of bytes.

    Args:
        reader: At the beginning of the node.
        count: Number of bytes that it restores to.
        depth: Number of nodes around it.
    """
    if not 0 < count <= MOST_PART_BYTES or depth > MOST_DEPTH:
        raise CodedFileError(f"damaged: a sequence of {count} bytes at depth {depth}; download the file again")
    kind = reader.byte()
    if kind >= len(_KINDS):
        raise CodedFileError(
            f"damaged: a sequence of kind {kind}; accepted: 0 to {len(_KINDS) - 1}; download the file again"
        )
    return _KINDS[kind](reader, count, depth)


def _decode_raw(reader: _Reader, count: int, _: int) -> Bytes:
    return np.frombuffer(reader.take(count), np.uint8)


def _decode_constant(reader: _Reader, count: int, _: int) -> Bytes:
    return np.full(count, reader.byte(), np.uint8)


def _decode_delta(reader: _Reader, count: int, depth: int) -> Bytes:
    """Decode elements that are stored as their differences, modulo the range of the type."""
    dtype = _unsigned(_width(reader, count))
    return np.cumsum(_decode_node(reader, count, depth + 1).view(dtype), dtype=dtype).view(np.uint8)


def _decode_planes(reader: _Reader, count: int, depth: int) -> Bytes:
    """Decode elements of which all first bytes come first, then all second bytes, and so on."""
    width = _width(reader, count)
    elements = np.empty((count // width, width), np.uint8)
    for place in range(width):
        elements[:, place] = _decode_node(reader, count // width, depth + 1)
    return elements.reshape(-1)


def _decode_codebook(reader: _Reader, count: int, depth: int) -> Bytes:
    """Decode values, or blocks of them, that are stored as indices in a table, of one byte or two."""
    width = reader.number(count, least=1)
    entries = reader.number(min(MOST_CODEBOOK_ENTRIES, count // width), least=1)
    if count % width:
        raise CodedFileError(f"damaged: {count} bytes in blocks of {width}; download the file again")
    codebook = _decode_node(reader, entries * width, depth + 1).reshape(entries, width)
    index = _unsigned(1 if entries <= 256 else 2)  # noqa: PLR2004 - what a byte can index
    indices = _decode_node(reader, count // width * index.itemsize, depth + 1).view(index)
    if int(indices.max()) >= entries:
        raise CodedFileError("damaged: an index is beyond its codebook; download the file again")
    if width in WIDTHS:
        return codebook.reshape(-1).view(_unsigned(width)).take(indices).view(np.uint8)
    return codebook.take(indices, axis=0).reshape(-1)


def hashes(count: int, bits: int) -> npt.NDArray[np.uint32]:
    """Return pseudo-random numbers of some bits, one for each place: the finalizer of MurmurHash3, its upper bits.

    Args:
        count: Number of places.
        bits: Number of bits, 1 to 32.
    """
    values = np.arange(count, dtype=np.uint32)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        values ^= values >> np.uint32(shift)
        values *= np.uint32(factor)
    values ^= values >> np.uint32(16)
    return values >> np.uint32(32 - bits)


def _decode_hashed(reader: _Reader, count: int, depth: int) -> Bytes:
    """Decode elements of which all with the same hash of their place are equal: only these values are stored."""
    width, bits = _width(reader, count), reader.byte()
    if bits not in HASH_BITS:
        raise CodedFileError(f"damaged: hashes of {bits} bits; download the file again")
    values = _decode_node(reader, width << bits, depth + 1).view(_unsigned(width))
    return values.take(hashes(count // width, bits)).view(np.uint8)


def _decode_transposed(reader: _Reader, count: int, depth: int) -> Bytes:
    """Decode matrices, one after the other, that are stored column by column."""
    width = _width(reader, count)
    rows, columns = reader.number(count, least=1), reader.number(count, least=1)
    if count % (rows * columns * width):
        raise CodedFileError(
            f"damaged: {count} bytes in matrices of {rows} by {columns} elements of {width}; download the file again"
        )
    stored = _decode_node(reader, count, depth + 1).view(_unsigned(width)).reshape(-1, columns, rows)
    return np.ascontiguousarray(stored.transpose(0, 2, 1)).reshape(-1).view(np.uint8)


def _width(reader: _Reader, count: int) -> int:
    width = reader.byte()
    if width not in WIDTHS or count % width:
        raise CodedFileError(f"damaged: {count} bytes in elements of {width}; download the file again")
    return width


def _unsigned(width: int) -> np.dtype[np.generic]:
    return np.dtype(f"<u{width}")


def _decode_lzma(reader: _Reader, count: int, _: int) -> Bytes:
    packed = reader.take(reader.number(count))
    unpack = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=list(LZMA_FILTERS))
    try:
        content = unpack.decompress(packed, count + 1)
    except lzma.LZMAError as error:
        raise CodedFileError(f"damaged: {error}; download the file again") from error
    if len(content) != count or not unpack.eof or unpack.unused_data:
        raise CodedFileError("damaged: an LZMA sequence has another length; download the file again")
    return np.frombuffer(content, np.uint8)


def _decode_mask(reader: _Reader, count: int, depth: int) -> Bytes:
    """Decode elements of which most are one value: a bit for each, then those whose bit is set."""
    width = _width(reader, count)
    fill = np.frombuffer(reader.take(width), _unsigned(width))
    length = count // width
    bits = _decode_node(reader, -(-length // 8), depth + 1)
    is_other = np.unpackbits(bits)[:length].view(np.bool_)
    elements = np.full(length, fill[0])
    others = int(np.count_nonzero(is_other))
    if others:
        elements[is_other] = _decode_node(reader, others * width, depth + 1).view(_unsigned(width))
    return elements.view(np.uint8)


def _decode_images(reader: _Reader, count: int, depth: int) -> Bytes:
    """Decode RGB images, whose residuals are coded by classes of blocks; `_from_residuals` has the prediction."""
    height, width = reader.number(count, least=1), reader.number(count, least=1)
    classes = reader.number(MOST_BLOCK_CLASSES, least=1)
    if count % (height * width * COLOURS):
        raise CodedFileError(f"damaged: {count} bytes in images of {height} by {width}; download the file again")
    images, down, across = count // (height * width * COLOURS), -(-height // IMAGE_BLOCK), -(-width // IMAGE_BLOCK)
    blocks = _decode_node(reader, COLOURS * images * down * across, depth + 1)
    residuals = np.empty((COLOURS, images, height, width), np.uint8)
    for plane, class_of_block in zip(residuals, blocks.reshape(COLOURS, images, down, across), strict=True):
        class_of_row = class_of_block.repeat(min(IMAGE_BLOCK, height), axis=1)[:, :height]
        class_of_pixel = class_of_row.repeat(min(IMAGE_BLOCK, width), axis=2)[..., :width]
        left = plane.size
        for each in range(classes):
            chosen = class_of_pixel == each
            pixels = int(np.count_nonzero(chosen))
            if pixels:
                plane[chosen] = _decode_node(reader, pixels, depth + 1)
            left -= pixels
        if left:
            raise CodedFileError(f"damaged: blocks beyond their {classes} classes; download the file again")
    return _from_residuals(residuals)


def _from_residuals(residuals: Bytes) -> Bytes:
    """Return the bytes of images whose green, red minus green and blue minus green are predicted from neighbours.

    The prediction is left + upper - upper left, modulo 256; beyond the border neighbours are 0. Its inverse is a sum
    along columns and one along rows.

    Args:
        residuals: What differs from the prediction, ``(3, images, height, width)``.
    """
    green, red, blue = np.cumsum(np.cumsum(residuals, axis=2, dtype=np.uint8), axis=3, dtype=np.uint8)
    return np.stack([red + green, green, blue + green], axis=-1).reshape(-1)


@dataclass(frozen=True)
class _Tables:
    """Lookup tables of frequencies, one after the other, indexed by a state's lowest ``bits`` bits.

    Attributes:
        symbols: Symbol, uint8 ``(tables << bits,)``.
        steps: Frequency of the symbol in the upper 16 bits, place within the symbol in the lower; uint32.
    """

    symbols: Bytes
    steps: npt.NDArray[np.uint32]


def _decode_rans(reader: _Reader, count: int, depth: int) -> Bytes:
    bits, layout = reader.byte(), reader.byte()
    lanes = reader.number(min(count, MOST_LANES), least=1)
    tables = reader.number(MOST_LANES, least=1)
    rows = -(-count // lanes)
    fits = tables <= MOST_CLASSES if layout == CLASSED else lanes % tables == 0
    if bits not in SCALE_BITS or layout > CLASSED or not fits or (layout == BLOCKED and count % lanes):
        raise CodedFileError(f"damaged: {count} symbols in {lanes} lanes with {tables} tables; download the file again")
    if tables << bits > MOST_TABLE_ENTRIES:
        raise CodedFileError(f"damaged: {tables} tables of 2^{bits} entries; download the file again")
    reader.work(rows + (tables << bits) // ENTRIES_PER_WORK)
    look_up = _read_tables(reader, bits, tables, depth)
    classes = _read_classes(reader, count, tables, depth) if layout == CLASSED else None
    states = np.frombuffer(reader.take(4 * lanes), "<u4").astype(np.uint32)
    words = np.frombuffer(reader.take(2 * reader.number(count + lanes)), "<u2").astype(np.uint32)
    lane = np.arange(lanes, dtype=np.uint32)
    table_of_lane = (lane * tables // lanes if layout == BLOCKED else lane % tables).astype(np.uint32)
    table_of = table_of_lane[np.newaxis] if classes is None else classes
    symbols = np.empty((rows, lanes), np.uint8)
    _decode_rows(symbols, count, look_up, bits=bits, table_of=table_of, states=states, words=words)
    return np.ascontiguousarray(symbols.T).reshape(-1) if layout == BLOCKED else symbols.reshape(-1)[:count]


def _read_classes(reader: _Reader, count: int, classes: int, depth: int) -> Bytes:
    """Read the class of each element of a tensor of three axes, whose levels along the axes are added up."""
    axes = [reader.number(count, least=1) for _ in range(3)]
    if axes[0] * axes[1] * axes[2] != count:
        raise CodedFileError(f"damaged: {count} elements in a tensor of {axes}; download the file again")
    outer, middle, inner = (_decode_node(reader, length, depth + 1) for length in axes)
    bounds = np.frombuffer(reader.take(classes - 1), np.uint8)
    class_of_level = np.searchsorted(bounds, np.arange(256), side="right").astype(np.uint8)
    return class_of_level.take((outer[:, np.newaxis] + middle)[..., np.newaxis] + inner).reshape(-1)


def _read_tables(reader: _Reader, bits: int, tables: int, depth: int) -> _Tables:
    """Read how often each symbol occurs, of 2^bits: symbols ascending, then their frequencies; the last one follows."""
    length = reader.number(tables * 1024, least=1)
    reader.work(length // _TABLE_BYTES_PER_WORK)
    content = _decode_node(reader, length, depth + 1).tolist()
    place, scale = 0, 1 << bits
    symbols, frequencies = [], []
    try:
        for _ in range(tables):
            size = content[place] + 1
            found = content[place + 1 : place + 1 + size]
            place += 1 + size
            left = scale
            for _ in range(size - 1):
                frequency = content[place]
                place += 1
                if frequency > 127:  # noqa: PLR2004 - the eighth bit says that a second byte has the rest
                    frequency += content[place] - 1 << 7
                    place += 1
                frequencies.append(frequency)
                left -= frequency
            frequencies.append(left)
            symbols += found
            if left < 1 or len(found) != size:
                raise CodedFileError("damaged: a table of frequencies does not add up; download the file again")
    except IndexError:
        raise CodedFileError("damaged: a table of frequencies ends early; download the file again") from None
    if place != length or min(frequencies) < 1:
        raise CodedFileError("damaged: a table of frequencies has another length; download the file again")
    repeats = np.array(frequencies, np.uint32)
    starts = np.cumsum(repeats, dtype=np.uint32) - repeats
    within = np.arange(tables << bits, dtype=np.uint32) - np.repeat(starts, repeats)
    return _Tables(np.repeat(np.array(symbols, np.uint8), repeats), np.repeat(repeats << 16, repeats) | within)


def _decode_rows(
    symbols: Bytes,
    count: int,
    look_up: _Tables,
    *,
    bits: int,
    table_of: npt.NDArray[np.uint32] | Bytes,
    states: npt.NDArray[np.uint32],
    words: npt.NDArray[np.uint32],
) -> None:
    """Decode one symbol of every lane at a time.

    Args:
        symbols: Receives the symbols, uint8 ``(rows, lanes)``.
        count: Number of symbols; the last row may have fewer than there are lanes.
        look_up: The tables.
        bits: Number of bits of a state that choose an entry of a table.
        table_of: Table of each lane, ``(1, lanes)``, or of each symbol, ``(count,)``.
        states: States, ``(lanes,)``; changed in place.
        words: The bits that the states read, 16 at a time, in order.
    """
    rows, lanes = symbols.shape
    mask, low, shift, half = np.uint32((1 << bits) - 1), np.uint32(LOWEST), np.uint32(bits), np.uint32(16)
    lower_half, has_tables = np.uint32(LOWEST - 1), len(look_up.symbols) > 1 << bits
    entries = np.empty((min(rows, _ROWS_AT_ONCE), lanes), np.uint32)
    is_by_symbol = table_of.ndim == 1
    bases = table_of.astype(np.uint32) << shift if not is_by_symbol else np.empty(entries.shape, np.uint32)
    taken, available = 0, len(words)
    for first in range(0, rows, _ROWS_AT_ONCE):
        block = symbols[first : first + _ROWS_AT_ONCE]
        if is_by_symbol:
            own = table_of[first * lanes :][: block.size]
            np.left_shift(own, shift, out=bases.reshape(-1)[: own.size], dtype=np.uint32)
        for row in range(len(block)):
            active = min(lanes, count - (first + row) * lanes)
            state, entry = states[:active], entries[row, :active]
            np.bitwise_and(state, mask, out=entry)
            if has_tables:
                entry += bases[row if is_by_symbol else 0, :active]
            step = look_up.steps.take(entry)
            state >>= shift
            state *= step >> half
            state += step & lower_half
            needy = np.flatnonzero(state < low)
            if needy.size:
                end = taken + needy.size
                if end > available:
                    raise CodedFileError("damaged: a lane ends early; download the file again")
                state[needy] = (state[needy] << half) | words[taken:end]
                taken = end
        last = min(count - first * lanes, block.size)
        block.reshape(-1)[:last] = look_up.symbols.take(entries[: len(block)].reshape(-1)[:last])
    if taken != available or (states != low).any():
        raise CodedFileError("damaged: a lane does not end as it began; download the file again")


_KINDS = (
    _decode_raw,
    _decode_lzma,
    _decode_constant,
    _decode_rans,
    _decode_delta,
    _decode_planes,
    _decode_codebook,
    _decode_mask,
    _decode_transposed,
    _decode_images,
    _decode_hashed,
)


def main(arguments: list[str]) -> None:
    """Restore the files that the command line names."""
    source = Path(arguments[0])
    try:
        with source.open("rb") as coded:
            headers = read_headers(coded)
        if len(headers) > 1:
            targets = decode_files(source, Path(arguments[1]) if len(arguments) > 1 else source.parent)
        else:
            targets = [Path(arguments[1]) if len(arguments) > 1 else source.with_suffix(".tflite")]
            decode_file(source, targets[0])
    except (CodedFileError, OSError) as error:
        sys.exit(f"{source}: {error}")
    for target, header in zip(targets, headers, strict=True):
        print(f"{target}  {header.size_bytes} bytes, SHA-256 {header.sha256}")  # noqa: T201 - a program's answer


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3 or sys.argv[1].startswith("-"):  # noqa: PLR2004 - one or two files
        sys.exit(__doc__)
    main(sys.argv[1:])
