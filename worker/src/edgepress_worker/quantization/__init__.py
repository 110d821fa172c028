"""Networks whose activations are rounded as int8 rounds them: where, while training, and in what is exported."""
