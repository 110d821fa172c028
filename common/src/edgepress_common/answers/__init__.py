"""Types of the gateway's responses: one module per resource.

The gateway fills them from its database; the client parses them. They ignore unknown fields, so that a client works
with a newer gateway.
"""
