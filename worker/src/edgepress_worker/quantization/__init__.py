"""Networks with activations rounded as in int8: placement, training and export."""
