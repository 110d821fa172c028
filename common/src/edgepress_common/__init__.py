"""Types that all packages of Edgepress share: the vocabulary of the project.

This package does not depend on the web, a machine-learning framework, a broker or a database. Read it in this order:
``spec`` (what a user posts), ``plan`` (the steps of a job), ``messages`` and ``devices`` (what the services exchange),
``results`` (the results of steps), ``artifacts`` (stored files), ``errors``.
"""

from importlib.metadata import version

__version__ = version("edgepress-common")  # of common/pyproject.toml
