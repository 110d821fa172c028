"""The server's commands of the command line: `up`, `demo` and `tokens`.

They join the client's `edgepress` by entry points, and are imported with every `edgepress --help`; so each imports the
server's libraries when it runs, not before.
"""
