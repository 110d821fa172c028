"""The divergence of a student's logits from its teacher's.

With teacher's logits t, student's logits s, temperature T, p = softmax(t / T) and q = softmax(s / T), the loss of an
image is T^2 KL(p || q) = T^2 (H(p, q) - H(p)). Its gradient by s is T (q - p). As T grows, q - p shrinks as 1 / T: the
gradient tends to (s - t) / classes, each centred on its mean (Hinton et al. 2015, arXiv:1503.02531, equation 4). With
the factor T^2, the effect of alpha does not depend on the temperature.

Both entropies are computed by the same operation on logits: no probability is rounded to 0, and equal logits result in
exactly 0. In float32, the error of the loss is about T^2 1e-7, so it may be negative by that much; the gradient is more
precise.
"""

from edgepress_worker.keras_environment import tf


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
