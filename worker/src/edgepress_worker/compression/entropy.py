"""A rate term: an estimate of how many bits an entropy coder takes for the codes of a kernel, and its gradient.

A weight that is not rounded yet lies at a place u between two neighbouring codes. It counts for both, in proportion to
its nearness: the soft histogram of Ustinova and Lempitsky 2016, Learning Deep Embeddings with Histogram Loss,
arXiv:1611.00822, section 3. For n weights at places u_i, and codes j::

    p_j = 1/n sum_i max(0, 1 - |u_i - j|)
    H   = - sum_j p_j log2 p_j          bits per weight, the order-0 entropy of the codes

With a weight between the codes j and j + 1, two of the p_j change with it, so that::

    n dH/du_i = log2 p_j - log2 p_{j+1}

A gradient step therefore moves each weight to the commoner of its two codes, by more the more they differ. The loss
grows by the entropy weight times the mean of H over all weights that are compressed (Oktay et al. 2020, Scalable Model
Compression by Entropy Penalized Reparameterization, arXiv:1906.06624, trade accuracy for a rate in the same way). The
histogram is counted in integers, whose sum does not depend on the order of threads.
"""

from edgepress_worker.keras_environment import tf

_UNITS = 1 << 20  # of a weight, in which shares are counted
_FEW = 32  # values up to which a sum over all gaps is faster than a search


def soft_histogram(places: tf.Tensor, codes: int) -> tf.Tensor:
    """Return the number of weights at each code, float32 ``(codes,)``; a weight between two counts for both in part.

    Args:
        places: Places of weights among the codes, 0 to ``codes - 1``, of any shape.
        codes: Number of codes, at least 2.
    """
    lower, units = _in_units(places, codes)
    length = codes - 1
    counts = tf.math.bincount(lower, minlength=length, maxlength=length, dtype=tf.int64) * _UNITS
    upper = tf.math.bincount(lower, weights=units, minlength=length, maxlength=length, dtype=tf.int64)
    total = tf.pad(counts - upper, [[0, 1]]) + tf.pad(upper, [[1, 0]])
    return tf.ensure_shape(tf.cast(tf.cast(total, tf.float64) / _UNITS, tf.float32), (codes,))


def entropy_bits(histogram: tf.Tensor) -> tf.Tensor:
    """Return n H, the bits that all weights of a histogram take together."""
    total = tf.reduce_sum(histogram)
    return -tf.reduce_sum(histogram * _log2(histogram / total))


def entropy_slopes(places: tf.Tensor, histogram: tf.Tensor) -> tf.Tensor:
    """Return n dH/du of each weight, in the shape of ``places``; 0 for a weight exactly at a code, where H has a kink.

    Args:
        places: Places of weights among the codes.
        histogram: Their soft histogram.
    """
    # A share of a weight that is too small to be counted leaves a code empty, which must not look like a common one.
    bits = -_log2(tf.maximum(histogram, 1 / _UNITS) / tf.reduce_sum(histogram))
    return _at_places(places, bits[1:] - bits[:-1])


def places_among(masters: tf.Tensor, centroids: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the places of masters among sorted values, and how fast they change with the master.

    Args:
        masters: Masters, of any shape.
        centroids: The values, ``(clusters,)``, in any order.

    Returns:
        Places, from 0 to ``clusters - 1``, linear between two values; and the slopes, 0 beyond the ends.
    """
    ascending = tf.sort(centroids)
    if ascending.shape[0] <= _FEW:
        return _among_few(masters, ascending)
    flat = tf.reshape(masters, [-1])
    upper = tf.clip_by_value(tf.searchsorted(ascending, flat), 1, ascending.shape[0] - 1)
    low, high = tf.gather(ascending, upper - 1), tf.gather(ascending, upper)
    share = tf.math.divide_no_nan(flat - low, high - low)
    is_within = (share > 0) & (share < 1)
    slopes = tf.where(is_within, tf.math.divide_no_nan(1.0, high - low), 0.0)
    places = tf.cast(upper - 1, tf.float32) + tf.clip_by_value(share, 0.0, 1.0)
    return tf.reshape(places, masters.shape), tf.reshape(slopes, masters.shape)


@tf.function(jit_compile=True, autograph=False)
def _among_few(masters: tf.Tensor, ascending: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the same as a sum over the gaps between values, which a processor does for eight weights at once."""
    places, slopes = tf.zeros_like(masters), tf.zeros_like(masters)
    for low, high in zip(tf.unstack(ascending[:-1]), tf.unstack(ascending[1:]), strict=True):
        slope = tf.math.divide_no_nan(1.0, high - low)
        share = (masters - low) * slope
        # Equal values have no gap: a master beyond them is one place further.
        places += tf.where(slope > 0, tf.clip_by_value(share, 0.0, 1.0), tf.cast(masters > low, tf.float32))
        slopes += tf.where((share > 0) & (share < 1), slope, 0.0)
    return places, slopes


@tf.function(jit_compile=True, autograph=False)
def _in_units(places: tf.Tensor, codes: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the code below each place, and how much of a weight counts for the one above, in units."""
    lower, share = _between(places, codes)
    return lower, tf.cast(tf.round(share * _UNITS), tf.int64)


@tf.function(jit_compile=True, autograph=False)
def _at_places(places: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
    """Return the step at the code below each place; 0 at a code."""
    lower, share = _between(places, steps.shape[0] + 1)
    return tf.where((share > 0) & (share < 1), tf.gather(steps, lower), 0.0)


def _between(places: tf.Tensor, codes: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the code below each place, at most the last but one, and the place's distance from it."""
    lower = tf.clip_by_value(tf.cast(tf.floor(places), tf.int32), 0, codes - 2)
    return lower, places - tf.cast(lower, tf.float32)


def _log2(shares: tf.Tensor) -> tf.Tensor:
    """Return the binary logarithm; 0 for 0, whose product with the share is 0, too."""
    return tf.math.log(tf.where(shares > 0, shares, 1.0)) / tf.math.log(2.0)
