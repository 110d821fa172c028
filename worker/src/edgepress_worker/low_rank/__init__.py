"""Low-rank factorization: convolutions and dense layers become chains of smaller layers.

- `bayes`: the rank of a noisy matrix by variational Bayes
- `decomposition`: the factors of a layer's weights at given ranks
- `ranks`: the layers to replace, and their ranks
- `replacement`: the network with these layers replaced
"""
