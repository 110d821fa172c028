"""The passwords of a deployment."""
