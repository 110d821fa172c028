"""Exports the results of a job to experiment trackers: TensorBoard and MLflow."""
