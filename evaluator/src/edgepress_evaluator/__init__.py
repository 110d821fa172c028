"""Measures .tflite files on the board it runs on, and reports to the gateway. The only part that knows LiteRT.

Read in this order: ``main`` (what is put together), ``loop`` (what it does all day), ``evaluate`` (one evaluation, free
of HTTP), ``measure`` (how each figure is found).
"""
