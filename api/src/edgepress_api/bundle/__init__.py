"""A model to take home: the .tflite file with everything that is needed to run it, and to know what it is.

``packing`` makes the zip; ``card`` writes what was measured and where the model comes from, ``preprocessing`` how an
image becomes what the model takes (read by ``model_file`` from the file itself), and ``predict.py.txt`` is the program
that does it, with LiteRT and numpy alone.
"""
