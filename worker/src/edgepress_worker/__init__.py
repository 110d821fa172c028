"""Trains, compresses and converts networks. The only package that uses TensorFlow."""
