"""Files that go with a .tflite file, for the program that runs it: labels.txt and preprocessing.json.

The gateway packs them into a bundle; the client writes them next to the models that it downloads.
"""
