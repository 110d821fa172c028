"""Tables of frequencies: how often each symbol of a sequence occurs, as whole numbers of a given sum."""

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

_ONE_BYTE = 128  # smaller frequencies take one byte


def scaled_frequencies(counts: Integers, bits: int) -> Integers:
    """Scale counts to a sum of 2^bits, so that each symbol that occurs has at least 1.

    Args:
        counts: How often each symbol occurs, ``(symbols,)``; at most 2^bits of them are above 0.
        bits: Binary logarithm of the sum.

    Returns:
        Frequencies, ``(symbols,)``; 0 for symbols that do not occur.
    """
    scale = 1 << bits
    exact = counts * (scale / counts.sum())
    frequencies = np.where(counts > 0, np.maximum(1, np.floor(exact)), 0).astype(np.int64)
    # One more or less changes the length by about count / frequency bits.
    left, present = scale - int(frequencies.sum()), np.flatnonzero(counts)
    if left > 0:
        gains = counts[present] / (frequencies[present] + 0.5)
        frequencies[present[np.argsort(-gains, kind="stable")[:left]]] += 1
    for _ in range(left, 0):
        frequencies[np.argmin(np.where(frequencies > 1, counts / np.maximum(frequencies - 0.5, 0.5), np.inf))] -= 1
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
    content = bytearray()
    for frequencies in tables:
        symbols = np.flatnonzero(frequencies)
        content.append(len(symbols) - 1)
        content += symbols.astype(np.uint8).tobytes()
        for frequency in frequencies[symbols[:-1]].tolist():
            if frequency < _ONE_BYTE:
                content.append(frequency)
            else:
                content += bytes((frequency & 127 | 128, frequency >> 7))
    return bytes(content)
