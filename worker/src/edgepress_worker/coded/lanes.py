"""The entropy coder: rANS with interleaved lanes, one symbol of every lane at a time.

`edgepress_common.bundle_files.decode` has the sources, and does the same steps in the opposite order.
"""

import numpy as np
import numpy.typing as npt

from edgepress_common.bundle_files.decode import LOWEST

_WORD_BITS = 16


def encode_lanes(
    symbols: npt.NDArray[np.uint8],
    count: int,
    frequencies: npt.NDArray[np.int64],
    *,
    bits: int,
    table_of: npt.NDArray[np.integer],
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint16]]:
    """Encode symbols.

    Args:
        symbols: The symbols, ``(rows, lanes)``.
        count: Number of symbols that count; the last row may have fewer than there are lanes.
        frequencies: Frequencies by table and symbol, ``(tables, 256)``; each table's sum is 2^bits.
        bits: Binary logarithm of the sum.
        table_of: Table of each lane, ``(1, lanes)``, or of each symbol, ``(rows, lanes)``.

    Returns:
        The state of each lane, with which decoding begins, ``(lanes,)``, and the bits that lanes read, in the
        order of decoding.
    """
    rows, lanes = symbols.shape
    starts = np.cumsum(frequencies, axis=1) - frequencies
    states = np.full(lanes, LOWEST, np.uint64)
    shift, word, most = np.uint64(bits), np.uint64(_WORD_BITS), np.uint64(2 * _WORD_BITS - bits)
    written: list[npt.NDArray[np.uint16]] = []
    frequency_of, start_of = frequencies.astype(np.uint64).reshape(-1), starts.astype(np.uint64).reshape(-1)
    tables = np.broadcast_to(table_of, symbols.shape)
    for row in range(rows - 1, -1, -1):
        active = min(lanes, count - row * lanes)
        state = states[:active]
        entry = tables[row, :active].astype(np.intp) * frequencies.shape[1] + symbols[row, :active]
        frequency = frequency_of[entry]
        (full,) = (state >= frequency << most).nonzero()
        if full.size:
            written.append(state[full].astype(np.uint16))
            state[full] >>= word
        quotient = state // frequency
        state += ((quotient << shift) - quotient * frequency) + start_of[entry]
    words = np.concatenate(written[::-1]) if written else np.zeros(0, np.uint16)
    return states.astype(np.uint32), words
