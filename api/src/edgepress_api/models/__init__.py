"""Keras models that users upload."""
