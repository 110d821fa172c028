"""Devices: who they are, and the evaluations they take."""
