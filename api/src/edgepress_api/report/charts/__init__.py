"""The charts of a report as data (`edgepress_common.answers.charts`), and a static picture of each.

`web/static/charts.js` draws them on the dashboard and in the report's file. Where no script runs, and on paper, the
report shows the picture of `picture`, which is SVG.
"""
