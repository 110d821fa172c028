"""Data of the charts in a report, for templates that draw SVG: positions in SVG units, and labels.

The modules contain no HTML, and the pages use no scripts, so a saved report is complete.
"""
