"""Networks with fewer channels: which can be removed together, which to remove, and the smaller network.

- `flow`: which channels of which tensors are the same, layer by layer
- `groups`: channels that can only be removed together, with the reasons
- `cost`: multiply-accumulate operations and weights, layer by layer
- `importance`: the criteria that rank channels
- `ising`: a criterion that reads the network as a graph of coupled units
- `slimming`: a training after which the factors of normalizations rank channels
- `reconstruction`: a criterion that also rescales the next layer
- `allocation`: how many channels each group keeps
- `knee`: an evolutionary search for that
- `folding`: what removed channels still contribute, as biases of the layers that remain
- `silencing`: the network with zeros in place of removed channels
- `sensitivity`: the loss without a part of one group
- `surgery`: the plain smaller network
- `pruning`: one round of all this
"""
