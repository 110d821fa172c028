"""The space that artifacts take."""
