"""A message that can't be acknowledged doesn't keep the worker from the next one.

Kombu counts a message as under way until Redis has been told that it is done. If Redis is killed in just that moment,
Celery writes into the log that it couldn't acknowledge, and goes on; but with a prefetch of one the message that counts
for ever is all that the worker may have: it stays alive, and takes nothing more. Here the message is forgotten first.
Should Redis still have it and deliver it again, the claim drops it, see `edgepress_worker.runtime.line`.
"""

from typing import Any

from kombu.transport import redis, virtual


class ForgettingQoS(redis.QoS):
    """Of one channel: what was delivered and is under way."""

    def ack(self, delivery_tag: str) -> None:
        """Tells Redis that a message is done, which may fail; it is no longer under way in any case."""
        try:
            super().ack(delivery_tag)
        except redis.get_redis_ConnectionError():
            virtual.QoS.ack(self, delivery_tag)
            raise


def forget_what_can_not_be_acknowledged() -> None:
    """From now on, in this process. Kombu has no setting for it: a channel takes the class that its own class names."""
    channel: Any = redis.Channel
    channel.QoS = ForgettingQoS
