"""Elastic networks: narrower networks that share the weights of a wide one.

- `sorting`: the same network with the channels of each layer in the order of their importance
- `narrower`: the narrower networks, and the weights that they take from the wide one
- `training`: trains all of them together
"""
