"""Bundle of a model: the .tflite file with everything that is needed to run and document it.

``packing`` writes the zip. ``card`` writes the model card (measurements and provenance). ``preprocessing`` describes
how an image is converted to the model's input (which the worker has read from the file). ``predict.py.txt`` is the
program that classifies images; it needs only LiteRT and numpy.
"""
