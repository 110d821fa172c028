"""Content negotiation: chooses the media type of a response by the header Accept (RFC 9110, 12.5.1)."""

from collections.abc import Sequence


def preferred(accept: str | None, offered: Sequence[str]) -> str | None:
    """Return the offered media type with the highest quality, the first of equal ones; None if none is acceptable."""
    if not accept or not accept.strip():
        return offered[0]
    ranges = [_parse(each) for each in accept.split(",")]
    best = max(offered, key=lambda media_type: _quality(media_type, ranges))
    return best if _quality(best, ranges) > 0 else None


def _parse(text: str) -> tuple[str, float]:
    media_range, *parameters = (part.strip().lower() for part in text.split(";"))
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                quality = float(value)
            except ValueError:
                quality = 0.0
    return media_range, quality


def _quality(media_type: str, ranges: Sequence[tuple[str, float]]) -> float:
    """Return the quality of the most specific range that matches the type; 0 if there is none."""
    for media_range in (media_type, f"{media_type.partition('/')[0]}/*", "*/*"):
        for found, quality in ranges:
            if found == media_range:
                return quality
    return 0.0
