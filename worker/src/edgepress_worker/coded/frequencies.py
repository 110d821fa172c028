"""Tables of frequencies: how often each symbol of a sequence occurs, as whole numbers of a given sum."""

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

_ONE_BYTE = 128  # smaller frequencies take one byte


def scaled_frequencies(counts: Integers, bits: int) -> Integers:
    """Scale counts to a sum of 2^bits in each table, so that each symbol that occurs has at least 1.

    Args:
        counts: How often each symbol occurs, ``(tables, symbols)``; at most 2^bits of a table are above 0, and at least
            one is.
        bits: Binary logarithm of the sum.

    Returns:
        Frequencies, ``(tables, symbols)``; 0 for symbols that do not occur.
    """
    scale = 1 << bits
    exact = counts * (scale / counts.sum(axis=1, keepdims=True))
    frequencies = np.where(counts > 0, np.maximum(1, np.floor(exact)), 0).astype(np.int64)
    left = scale - frequencies.sum(axis=1)
    # One more or less changes the length by about count / frequency bits.
    gains = np.where(counts > 0, counts / (frequencies + 0.5), -1)
    best = np.argsort(-gains, axis=1, kind="stable")[:, : max(int(left.max()), 0)]
    table, place = np.nonzero(np.arange(best.shape[1]) < left[:, np.newaxis])
    frequencies[table, best[table, place]] += 1
    for each in np.flatnonzero(left < 0):
        of_table, own = frequencies[each], counts[each]
        for _ in range(left[each], 0):
            of_table[np.argmin(np.where(of_table > 1, own / np.maximum(of_table - 0.5, 0.5), np.inf))] -= 1
    return frequencies


def coded_bits(counts: Integers, frequencies: Integers) -> float:
    """Return the number of bits of a sequence that is coded with such frequencies, without table and states."""
    present = counts > 0
    total = frequencies.sum(axis=-1, keepdims=True)
    shares = frequencies / np.where(total == 0, 1, total)
    return float(-(counts[present] * np.log2(shares[present])).sum())


def entropy_bits(counts: Integers) -> float:
    """Return the order-0 entropy of a sequence in bits: the limit of any coder that looks at one symbol at a time."""
    return coded_bits(counts, counts)


def write_tables(tables: Integers) -> bytes:
    """Return the bytes of tables; `edgepress_common.bundle_files.decode` reads them.

    Args:
        tables: Frequencies by table and symbol, ``(tables, 256)``.
    """
    table, symbol = np.nonzero(tables)
    symbols = np.count_nonzero(tables, axis=1)
    frequency = tables[table, symbol]
    end = np.cumsum(symbols)
    of_table = np.arange(len(symbol)) - np.repeat(end - symbols, symbols)  # place of a symbol in its table
    bytes_each = 1 + (frequency >= _ONE_BYTE)
    bytes_each[end - 1] = 0  # what is left of the sum
    before = np.cumsum(bytes_each) - bytes_each
    starts = np.concatenate(([0], np.cumsum(1 + symbols) + before[end - 1]))  # of each table's bytes, and their end
    content = np.empty(starts[-1], np.uint8)
    content[starts[:-1]] = symbols - 1
    content[starts[table] + 1 + of_table] = symbol
    at = np.repeat(np.cumsum(1 + symbols), symbols) + before
    short, long = bytes_each == 1, bytes_each == 2  # noqa: PLR2004 - bytes
    content[at[short]] = frequency[short]
    content[at[long]] = frequency[long] & 127 | 128
    content[at[long] + 1] = frequency[long] >> 7
    return content.tobytes()
