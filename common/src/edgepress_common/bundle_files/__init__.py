"""Files that go with a .tflite file, for the program that runs it: labels.txt, preprocessing.json and decode.py.

The gateway packs them into a bundle; the client writes them next to the models that it downloads. `decode` restores a
.tflite file from its coded file. It needs numpy, which this package does not require: its text is read without it.
"""

from importlib.resources import files

DECODER = "decode.py"


def decoder_py() -> str:
    """Return the program that restores a .tflite file from its coded file, as a file of its own."""
    return files(__name__).joinpath(DECODER).read_text(encoding="utf-8")
