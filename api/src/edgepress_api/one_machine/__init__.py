"""Runs all of Edgepress on one machine, as processes that need only this package and end together.

`stack` defines the processes and their settings; `supervisor` keeps them running; `process` is one of them;
`state_folder` contains all files that they write. Each process is the program that a deployment runs as
a container, with other settings: nothing of it is imported here.
"""
