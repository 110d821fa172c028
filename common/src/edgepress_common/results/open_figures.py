"""Figures of a result without a field of their own."""

from typing import Annotated

from pydantic import Field, FiniteFloat

# Left out of JSON while empty: gateways of before there were open figures refuse a field that they do not know.
OpenFigures = Annotated[dict[str, FiniteFloat], Field(exclude_if=lambda figures: not figures)]
"""Figures without a field of their own, by the name of their declaration."""
