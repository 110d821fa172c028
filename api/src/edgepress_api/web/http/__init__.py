"""ASGI middleware for all requests and responses: size and encoding of bodies, HEAD, ETags, compression, headers."""
