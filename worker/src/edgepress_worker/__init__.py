"""Trains, compresses, converts: the only room with TensorFlow."""
