"""Ways to code a sequence of bytes, and the choice of the one that takes the fewest.

A way first tells its size, which costs a histogram; only the chosen one is written.
"""

import lzma
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from edgepress_common.bundle_files import decode
from edgepress_worker.coded.classes import Classes, find_classes
from edgepress_worker.coded.frequencies import Integers, coded_bits, entropy_bits, scaled_frequencies, write_tables
from edgepress_worker.coded.lanes import encode_lanes

Bytes = npt.NDArray[np.uint8]
Classified = tuple[tuple[int, int, int], Classes]  # lengths of the axes, and classes of the elements

_SYMBOLS = 256
# LZMA takes a second for each three megabytes. Weights that it codes better than rANS are not known.
_MOST_LZMA_BYTES = 1 << 18
_LEAST_LZMA_BYTES = 16  # its frame alone takes 14
# A state of four bytes says two bytes about its lane's symbols. Lanes this long make that a few parts in a thousand.
_BYTES_PER_LANE = 640
_MOST_ROWS = 1 << 14
_SCALES = (11, 12, 14)
_SCALES_OF_CHANNELS = (10, 12)
_SCALES_OF_CLASSES = (11, 12)
_CLASSES = (4, 8, 16)
_SAMPLED_VALUES = 1 << 12  # what is said of all elements is first looked for in these
_SAMPLED_HASHES = 1 << 16  # as many as there are hashes at most, so that some are equal
_SAMPLED_BLOCKS = 1 << 14  # where half of these differ, a codebook of blocks is longer
_LEAST_FILL = 0.25  # share of the commonest element from which a mask can pay


@dataclass(frozen=True)
class Channels:
    """How a tensor's elements belong to output channels, each of which may have a table of its own.

    Attributes:
        count: Number of channels.
        layout: ``decode.BLOCKED``: the elements of a channel follow one another; ``decode.INTERLEAVED``: channels
            alternate.
    """

    count: int
    layout: int


@dataclass(frozen=True)
class Blocks:
    """How a tensor's elements form blocks that may repeat.

    Elements are matrices, one after the other, ``(matrices, rows, columns)``; each column is divided into blocks.

    Attributes:
        rows: Number of rows.
        columns: Number of columns.
        length: Elements of a block, a divisor of the number of rows; of the number of columns if there is one row.
    """

    rows: int
    columns: int
    length: int


@dataclass(frozen=True)
class Way:
    """A way to code a sequence.

    Attributes:
        size_bytes: Number of bytes that it takes; an estimate that is off by a few parts in a thousand at most.
        write: Returns the bytes.
        version: Version of the format that it needs.
        is_general: Whether it knows nothing of elements, so that other bytes may as well be coded together with these.
    """

    size_bytes: float
    write: Callable[[], bytes]
    is_general: bool = False
    version: int = 1


def number(value: int) -> bytes:
    """Return a number as LEB128: seven bits per byte, the lowest first."""
    content = bytearray()
    while value > 127:  # noqa: PLR2004 - what seven bits hold
        content.append(value & 127 | 128)
        value >>= 7
    content.append(value)
    return bytes(content)


def smallest(
    content: Bytes,
    width: int = 1,
    channels: Channels | None = None,
    *,
    axes: tuple[int, int, int] | None = None,
    blocks: Sequence[Blocks] = (),
    may_be_hashed: bool = False,
    is_ascending: bool = False,
) -> Way:
    """Return the way that takes the fewest bytes.

    Args:
        content: The sequence, not empty.
        width: Bytes of an element, 1, 2, 4 or 8; the length is a multiple of it.
        channels: Channels of the elements; None if there are none.
        axes: Numbers of output channels, of places in a kernel and of input channels, if these are the tensor's axes.
        blocks: Blocks of elements that may repeat.
        may_be_hashed: Whether all elements with the same hash of their place may be equal.
        is_ascending: Whether elements mostly grow, as indices do, so that differences are smaller.
    """
    elements = content.view(f"<u{width}")
    ways = [*_without_model(content), *_by_symbol(content, channels)] if width == 1 else [*_without_model(content)]
    ways += _with_mask(elements)
    if width > 1:
        ways += [*_with_codebook(elements, channels), _in_planes(elements, channels)]
    for each in blocks:
        ways += _with_blocks(elements, each)
    if axes is not None and width == 1:
        ways += _by_class(content, axes, min(way.size_bytes for way in ways))
    if may_be_hashed:
        ways += _with_hashes(elements)
    if is_ascending:
        differences = np.diff(elements, prepend=elements.dtype.type(0))
        ways.append(_around(bytes((decode.DELTA, width)), smallest(differences.view(np.uint8), width)))
    return min(ways, key=lambda way: way.size_bytes)


def _without_model(content: Bytes) -> Iterator[Way]:
    yield Way(1 + len(content), lambda: bytes((decode.RAW,)) + content.tobytes(), is_general=True)
    if (content == content[0]).all():
        yield _constant(content)
    elif len(content) <= _MOST_LZMA_BYTES:
        packed = _lzma(content.tobytes())
        yield Way(len(packed), lambda: packed, is_general=True)


def _constant(content: Bytes) -> Way:
    return Way(2, lambda: bytes((decode.CONSTANT, int(content[0]))))


def _lzma(content: bytes) -> bytes:
    # A dictionary of the size of the content has all of it, and is allocated in less time.
    most = min(max(len(content), 1 << 12), decode.LZMA_FILTERS[0]["dict_size"])
    filters = [{**decode.LZMA_FILTERS[0], "preset": 9, "dict_size": most}]
    packed = lzma.compress(content, lzma.FORMAT_RAW, filters=filters)
    return bytes((decode.LZMA,)) + number(len(packed)) + packed


def _around(head: bytes, *parts: Way) -> Way:
    return Way(
        len(head) + sum(part.size_bytes for part in parts),
        lambda: head + b"".join(part.write() for part in parts),
        version=max(part.version for part in parts),
    )


def _with_mask(elements: npt.NDArray[np.unsignedinteger]) -> Iterator[Way]:
    values, counts = np.unique(_sample(elements), return_counts=True)
    commonest = values[np.argmax(counts)]
    width, is_other = elements.itemsize, elements != commonest
    others = np.count_nonzero(is_other)
    if not 0 < others <= (1 - _LEAST_FILL) * len(elements):
        return
    head = bytes((decode.MASK, width)) + commonest.tobytes()
    yield _around(
        head,
        smallest_symbols(np.packbits(is_other)),
        smallest_unmasked(elements[is_other].view(np.uint8), width),
    )


def smallest_symbols(content: Bytes, channels: Channels | None = None) -> Way:
    """Return the smallest way without a mask, for elements of one byte."""
    return min((*_without_model(content), *_by_symbol(content, channels)), key=lambda way: way.size_bytes)


def smallest_noise(content: Bytes) -> Way:
    """Return the smallest way for bytes without repeated strings, which LZMA would search for in vain."""
    plain = Way(1 + len(content), lambda: bytes((decode.RAW,)) + content.tobytes(), is_general=True)
    if (content == content[0]).all():
        return _constant(content)
    return min((plain, *_by_symbol(content, None)), key=lambda way: way.size_bytes)


def smallest_unmasked(content: Bytes, width: int) -> Way:
    """Return the smallest way without a mask and without channels."""
    if width == 1:
        return smallest_symbols(content)
    elements = content.view(f"<u{width}")
    ways = (*_without_model(content), *_with_codebook(elements, None), _in_planes(elements, None))
    return min(ways, key=lambda way: way.size_bytes)


def _with_codebook(elements: npt.NDArray[np.unsignedinteger], channels: Channels | None) -> Iterator[Way]:
    if len(np.unique(_sample(elements))) > _SYMBOLS:
        return
    codebook, indices = np.unique(elements, return_inverse=True)
    if len(codebook) <= _SYMBOLS:
        yield _indexed(codebook[:, None], indices, channels)


def _indexed(
    codebook: npt.NDArray[np.unsignedinteger], indices: npt.NDArray[np.intp], channels: Channels | None = None
) -> Way:
    """Return the way that codes indices in a codebook, ``(entries, elements of a block)``, and the codebook."""
    entries = len(codebook)
    head = bytes((decode.CODEBOOK,)) + number(codebook.itemsize * codebook.shape[1]) + number(entries)
    values = _smallest_values(np.ascontiguousarray(codebook).reshape(-1))
    if entries <= _SYMBOLS:
        return _around(head, values, smallest_symbols(indices.astype(np.uint8), channels))
    return _around(head, values, _in_planes(indices.astype("<u2"), None))


def _smallest_values(values: npt.NDArray[np.unsignedinteger]) -> Way:
    content = values.view(np.uint8)
    ways = _by_symbol(content, None) if values.itemsize == 1 else iter((_in_planes(values, None),))
    return min((*_without_model(content), *ways), key=lambda way: way.size_bytes)


def _with_blocks(elements: npt.NDArray[np.unsignedinteger], blocks: Blocks) -> Iterator[Way]:
    """Yield the way that codes blocks as indices in a codebook of blocks, if they repeat."""
    matrices = elements.reshape(-1, blocks.rows, blocks.columns)
    rows = np.ascontiguousarray(matrices.transpose(0, 2, 1)).reshape(-1, blocks.length)
    sample = rows[np.linspace(0, len(rows) - 1, _SAMPLED_BLOCKS, dtype=np.intp)]
    if len(np.unique(_as_numbers(sample))) > _SAMPLED_BLOCKS / 2:
        return
    _, first, indices, counts = np.unique(_as_numbers(rows), return_index=True, return_inverse=True, return_counts=True)
    if len(first) > decode.MOST_CODEBOOK_ENTRIES or not np.array_equal(rows[first][indices], rows):
        return  # too many; or two of them have the same hash, which is not to be expected
    # The commonest first, so that the upper bytes of indices are mostly 0.
    order = np.argsort(_as_items(rows[first]))
    order = order[np.argsort(-counts[order], kind="stable")]
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    way = _indexed(rows[first[order]], place[indices])
    if blocks.rows == 1:
        yield way
    else:
        head = bytes((decode.TRANSPOSED, elements.itemsize)) + number(blocks.rows) + number(blocks.columns)
        yield _around(head, way)


def _with_hashes(elements: npt.NDArray[np.unsignedinteger]) -> Iterator[Way]:
    """Yield the way that stores one value for all elements with the same hash, if they are equal."""
    few = elements[:_SAMPLED_HASHES]
    for bits in decode.HASH_BITS:
        if 1 << bits < len(elements) and _values_of_hashes(few, bits) is not None:
            values = _values_of_hashes(elements, bits)
            if values is not None:
                way = _around(bytes((decode.HASHED, elements.itemsize, bits)), _smallest_values(values))
                yield replace(way, version=2)
                return


def _values_of_hashes(elements: npt.NDArray[np.unsignedinteger], bits: int) -> npt.NDArray[np.unsignedinteger] | None:
    """Return the value of each hash, 0 for one that no place has; None if elements with the same hash differ."""
    places, values = decode.hashes(len(elements), bits), np.zeros(1 << bits, elements.dtype)
    values[places] = elements
    return values if np.array_equal(values[places], elements) else None


def _sample(elements: npt.NDArray[np.unsignedinteger]) -> npt.NDArray[np.unsignedinteger]:
    """Return some elements, the same at each call; not evenly spaced, since channels and places repeat."""
    if len(elements) <= _SAMPLED_VALUES:
        return elements
    return elements[np.random.default_rng(0).integers(len(elements), size=_SAMPLED_VALUES)]


def _as_numbers(rows: npt.NDArray[np.unsignedinteger]) -> npt.NDArray[np.uint64]:
    """Return a hash of each row: sorting numbers takes a tenth of the time that sorting rows takes."""
    powers = np.uint64(0x9E3779B97F4A7C15) ** np.arange(1, rows.shape[1] + 1, dtype=np.uint64)  # odd: invertible
    return rows.astype(np.uint64) @ powers


def _as_items(rows: npt.NDArray[np.unsignedinteger]) -> npt.NDArray[np.void]:
    return rows.view(np.dtype((np.void, rows.shape[1] * rows.itemsize))).reshape(-1)


def _in_planes(elements: npt.NDArray[np.unsignedinteger], channels: Channels | None) -> Way:
    width = elements.itemsize
    planes = elements.view(np.uint8).reshape(-1, width)
    parts = [smallest_symbols(np.ascontiguousarray(planes[:, place]), channels) for place in range(width)]
    return _around(bytes((decode.PLANES, width)), *parts)


def _by_symbol(content: Bytes, channels: Channels | None) -> Iterator[Way]:
    counts = np.bincount(content, minlength=_SYMBOLS)
    if np.count_nonzero(counts) == 1:
        return
    lanes = _lanes(len(content), entropy_bits(counts) / 8)
    ways = [_rans(content, counts[None], bits, lanes, decode.INTERLEAVED) for bits in _SCALES]
    yield from ways
    if channels is not None and _fits(channels, len(content)):
        of_channel = _counts_of_channels(content, channels)
        # Tables compress to no less than half of a byte for each symbol: most tensors need no closer look.
        bound = entropy_bits(of_channel) / 8 + np.count_nonzero(of_channel) / 2
        if bound < min(way.size_bytes for way in ways):
            for bits in _SCALES_OF_CHANNELS:
                if channels.count << bits <= decode.MOST_TABLE_ENTRIES:
                    yield _rans(content, of_channel, bits, channels.count, channels.layout)


def _by_class(content: Bytes, axes: tuple[int, int, int], most_bytes: float) -> Iterator[Way]:
    """Yield ways with a table for each class of elements, if they can take fewer bytes than another way."""
    for most in _CLASSES:
        classes = find_classes(content.view(np.int8).reshape(axes), most)
        together = classes.of_element.astype(np.int32) * _SYMBOLS + content
        counts = np.bincount(together, minlength=classes.count * _SYMBOLS).reshape(classes.count, _SYMBOLS)
        size_bytes = entropy_bits(counts) / 8
        if classes.count > 1 and size_bytes + np.count_nonzero(counts) / 2 < most_bytes:
            for bits in _SCALES_OF_CLASSES:
                lanes = _lanes(len(content), size_bytes)
                yield _rans(content, counts, bits, lanes, decode.CLASSED, classified=(axes, classes))


def _fits(channels: Channels, length: int) -> bool:
    return 1 < channels.count <= decode.MOST_LANES and length % channels.count == 0 and length > channels.count


def _counts_of_channels(content: Bytes, channels: Channels) -> Integers:
    """Return how often each symbol occurs in each channel, ``(channels, symbols)``."""
    channel = np.arange(channels.count, dtype=np.int32)
    of_element = (
        np.repeat(channel, len(content) // channels.count)
        if channels.layout == decode.BLOCKED
        else np.tile(channel, len(content) // channels.count)
    )
    together = np.bincount(of_element * _SYMBOLS + content, minlength=channels.count * _SYMBOLS)
    return together.reshape(channels.count, _SYMBOLS)


def _lanes(length: int, size_bytes: float) -> int:
    """Return the number of lanes: as few as keep decoding fast."""
    return int(min(decode.MOST_LANES, length, max(size_bytes // _BYTES_PER_LANE, -(-length // _MOST_ROWS), 1)))


def _rans(
    content: Bytes, counts: Integers, bits: int, lanes: int, layout: int, *, classified: Classified | None = None
) -> Way:
    frequencies = np.stack([scaled_frequencies(each, bits) for each in counts])
    tables = write_tables(frequencies)
    packed = _shorter_tables(tables)
    head = bytes((decode.RANS, bits, layout)) + number(lanes) + number(len(counts)) + number(len(tables)) + packed
    classes = None
    if classified is not None:
        axes, classes = classified
        head += b"".join(number(length) for length in axes)
        head += b"".join(smallest_symbols(levels).write() for levels in classes.levels) + classes.bounds.tobytes()
    size_bytes = len(head) + coded_bits(counts, frequencies) / 8 + 3 * lanes
    return Way(
        size_bytes,
        partial(
            _write_rans,
            head,
            content,
            frequencies,
            None if classes is None else classes.of_element,
            bits=bits,
            lanes=lanes,
            layout=layout,
        ),
        version=1 if classes is None else 2,
    )


def _shorter_tables(tables: bytes) -> bytes:
    plain = bytes((decode.RAW,)) + tables
    if len(tables) < _LEAST_LZMA_BYTES:
        return plain
    # Ascending symbols are all different, and their differences mostly 1; frequencies of neighbours are similar.
    differences = np.diff(np.frombuffer(tables, np.uint8), prepend=np.uint8(0)).tobytes()
    return min(plain, _lzma(tables), bytes((decode.DELTA, 1)) + _lzma(differences), key=len)


def _write_rans(
    head: bytes,
    content: Bytes,
    frequencies: Integers,
    classes: Bytes | None,
    *,
    bits: int,
    lanes: int,
    layout: int,
) -> bytes:
    if layout == decode.BLOCKED:
        symbols = np.ascontiguousarray(content.reshape(lanes, -1).T)
    else:
        symbols = np.resize(content, (-(-len(content) // lanes), lanes))
    lane = np.arange(lanes)
    if classes is not None:
        table_of: npt.NDArray[np.integer] = np.resize(classes, symbols.shape)
    else:
        of_lane = lane % len(frequencies) if layout == decode.INTERLEAVED else lane * len(frequencies) // lanes
        table_of = of_lane[np.newaxis]
    states, words = encode_lanes(symbols, len(content), frequencies, bits=bits, table_of=table_of)
    return head + states.astype("<u4").tobytes() + number(len(words)) + words.astype("<u2").tobytes()
