"""Pictures of a report as figures that a template draws: positions in an SVG's own units, words for its ticks.

Nothing here knows of HTML, and nothing of the pages draws by a script: a saved report is whole.
"""
