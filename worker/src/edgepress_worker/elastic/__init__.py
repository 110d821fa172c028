"""Elastic networks: smaller networks that share the weights of a large one.

- `sorting`: the same network with the channels of each layer in the order of their importance
- `depth`: the residual blocks that shallower networks leave out
- `smaller`: the smaller networks, and the weights that they take from the whole one
- `sizes`: the combinations of width, depth and image size
- `training`: trains all of them together
"""
