"""Joining a board to a gateway: what can be wrong is checked first, and said with what to do."""
