"""What every part of Edgepress agrees on: the vocabulary, as types.

Nothing here knows the web, a machine-learning framework, a broker or a database. Read in this order:
``spec`` (what a user posts), ``plan`` (the steps it becomes), ``messages`` and ``devices`` (what travels between the
parts), ``results`` (what a step found), ``artifacts`` (the bytes), ``errors``.
"""

__version__ = "0.1.0"
