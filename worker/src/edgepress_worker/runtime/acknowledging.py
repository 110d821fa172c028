"""Acknowledgement that frees the worker for the next message even if Redis does not answer.

Kombu counts a message as unacknowledged until Redis has received its acknowledgement. If Redis is killed at that
moment, Celery logs that it could not acknowledge the message, and continues. The message still counts, and with a
prefetch of one the worker keeps running but never receives another message. This module drops the message from Kombu's
count even if the acknowledgement fails. If Redis still has the message and delivers it again, the claim drops it; see
`edgepress_worker.runtime.event_channel`.
"""

from typing import Any

from kombu.transport import redis, virtual


class ReconnectableQoS(redis.QoS):
    """Messages of one channel that were delivered and are not acknowledged yet."""

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge a message in Redis, which may fail; the message no longer counts in either case."""
        try:
            super().ack(delivery_tag)
        except redis.get_redis_ConnectionError():
            virtual.QoS.ack(self, delivery_tag)
            raise


def use_reconnectable_qos() -> None:
    """Use `ReconnectableQoS` in this process, by an attribute of the channel's class: Kombu has no setting for it."""
    channel: Any = redis.Channel
    channel.QoS = ReconnectableQoS
