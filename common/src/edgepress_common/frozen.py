"""The base of every type that crosses a boundary: immutable, and closed to fields it does not know."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A value parsed once at the edge and never changed afterwards.

    Unknown fields are refused, so that a misspelt setting is an error rather than a default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
