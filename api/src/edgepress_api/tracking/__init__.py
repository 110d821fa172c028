"""Hands what a job found to programs that people track trainings with: TensorBoard, and MLflow."""
