"""Differences of a student's logits from its teacher's: the divergence, its decoupled form, and the correlation.

With teacher's logits t, student's logits s, temperature T, p = softmax(t / T) and q = softmax(s / T), the loss of an
image is T^2 KL(p || q) = T^2 (H(p, q) - H(p)). Its gradient by s is T (q - p). As T grows, q - p shrinks as 1 / T: the
gradient tends to (s - t) / classes, each centred on its mean (Hinton et al. 2015, arXiv:1503.02531, equation 4). With
the factor T^2, the effect of alpha does not depend on the temperature.

Both entropies are computed by the same operation on logits: no probability is rounded to 0, and equal logits result in
exactly 0. In float32, the error of the loss is about T^2 1e-7, so it may be negative by that much; the gradient is more
precise.
"""

from edgepress_worker.keras_environment import tf

_NEVER = -1e30  # as a logit: the class has probability 0, and no arithmetic on it overflows
_LEAST_NORM = 1e-24  # of a product of two squared norms: far below those of probabilities that differ


def divergence(taught: tf.Tensor, logits: tf.Tensor, temperature: float) -> tf.Tensor:
    """Return T squared times the divergence of the student's softened probabilities from the teacher's.

    Args:
        taught: The teacher's logits, float32 ``(batch, classes)``.
        logits: The student's logits, float32 ``(batch, classes)``.
        temperature: T, 1 or more; 1 softens nothing.

    Returns:
        float32 ``(batch,)``, 0 where both predict the same.
    """
    softened = tf.nn.softmax(taught / temperature)
    cross_entropy = tf.nn.softmax_cross_entropy_with_logits(labels=softened, logits=logits / temperature)
    entropy = tf.nn.softmax_cross_entropy_with_logits(labels=softened, logits=taught / temperature)
    return temperature**2 * (cross_entropy - entropy)


def decoupled_divergence(
    taught: tf.Tensor, logits: tf.Tensor, labels: tf.Tensor, temperature: float, weights: tuple[float, float]
) -> tf.Tensor:
    """Return the decoupled divergence (Zhao et al. 2022, Decoupled Knowledge Distillation, arXiv:2203.08679, eq. 7).

    With p_t the softened probability of the image's class, and p' the probabilities of the other classes among
    themselves, it is T^2 (a KL(p_t, 1 - p_t || q_t, 1 - q_t) + b KL(p' || q')). With a = 1 and b = 1 - p_t, it would be
    the plain divergence (eq. 5): where the teacher is sure, that learns little from the other classes.

    Args:
        taught: The teacher's logits, float32 ``(batch, classes)``.
        logits: The student's logits, float32 ``(batch, classes)``.
        labels: One-hot labels ``(batch, classes)``; of mixed labels, the largest counts.
        temperature: T, 1 or more.
        weights: a and b.

    Returns:
        float32 ``(batch,)``, 0 where both predict the same.
    """
    is_target = tf.one_hot(tf.argmax(labels, axis=1), labels.shape[1], on_value=True, off_value=False)
    of_class = _binary_divergence(*(_log_odds(each / temperature, is_target) for each in (taught, logits)))
    others, others_taught = (tf.where(is_target, _NEVER, each) for each in (logits, taught))
    of_others = divergence(others_taught, others, temperature)
    return temperature**2 * weights[0] * of_class + weights[1] * of_others


def _log_odds(logits: tf.Tensor, is_target: tf.Tensor) -> tf.Tensor:
    """Return the logarithm of p_t / (1 - p_t), float32 ``(batch,)``."""
    of_target = tf.reduce_sum(tf.where(is_target, logits, 0.0), axis=1)
    return of_target - tf.reduce_logsumexp(tf.where(is_target, _NEVER, logits), axis=1)


def _binary_divergence(taught: tf.Tensor, odds: tf.Tensor) -> tf.Tensor:
    p = tf.sigmoid(taught)
    cross_entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=p, logits=odds)
    return cross_entropy - tf.nn.sigmoid_cross_entropy_with_logits(labels=p, logits=taught)


def relation(
    taught: tf.Tensor, logits: tf.Tensor, image_weights: tf.Tensor, temperature: float, weights: tuple[float, float]
) -> tf.Tensor:
    """Return T squared times the missing correlation (Huang et al. 2022, arXiv:2205.10536, equations 6 to 10).

    It is T^2 (a mean_i(1 - r_i) + b mean_j(1 - r_j)), with Pearson's correlation r_i of the softened probabilities of
    teacher and student over the classes of image i, and r_j over the images of the batch for class j.

    Args:
        taught: The teacher's logits, float32 ``(batch, classes)``.
        logits: The student's logits, float32 ``(batch, classes)``.
        image_weights: Weights of the images in the first mean ``(batch,)``.
        temperature: T, 1 or more.
        weights: a and b.

    Returns:
        A scalar.
    """
    p, q = (tf.nn.softmax(each / temperature) for each in (taught, logits))
    of_images = tf.reduce_mean(image_weights * (1 - _correlation(p, q, axis=1)))
    of_classes = tf.reduce_mean(1 - _correlation(p, q, axis=0))
    return temperature**2 * (weights[0] * of_images + weights[1] * of_classes)


def _correlation(p: tf.Tensor, q: tf.Tensor, *, axis: int) -> tf.Tensor:
    """Return Pearson's correlation; 0 where one of them is constant, as for a batch of one image."""
    p, q = (each - tf.reduce_mean(each, axis=axis, keepdims=True) for each in (p, q))
    norms = tf.reduce_sum(p * p, axis=axis) * tf.reduce_sum(q * q, axis=axis)
    return tf.reduce_sum(p * q, axis=axis) * tf.math.rsqrt(tf.maximum(norms, _LEAST_NORM))
