"""Measures .tflite files on the board that it runs on, and reports to the gateway. The only package that uses LiteRT.

Read it in this order: ``main`` (assembly), ``loop`` (the main loop), ``evaluate`` (one evaluation, independent of
HTTP), ``measure`` (the individual measurements).
"""
