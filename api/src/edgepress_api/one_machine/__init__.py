"""The whole of Edgepress on one machine, as processes: nothing to install beside the package, nothing left running.

`stack` says which processes there are and how each is told what to do; `supervisor` keeps them running; `process` is
one of them; `state_folder` is where everything they write lies. Each process is the program that a deployment runs as
a container, with other settings: nothing of it is imported here.
"""
