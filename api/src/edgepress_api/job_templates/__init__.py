"""Templates of jobs: specs to start from. A file in `specs` is a template; `reading` has its form."""
