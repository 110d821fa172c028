"""The accuracy of a .tflite file, found with nothing of Edgepress.

Usage: ``python plain_accuracy.py MODEL.tflite IMAGES.npy LABELS.npy``; prints how many images are classified right.
"""

import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter

model, images, labels = sys.argv[1:]
interpreter = Interpreter(model)
interpreter.allocate_tensors()
taken, given = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
scale, zero_point = taken["quantization"]

right = 0
for image, label in zip(np.load(images), np.load(labels), strict=True):
    values = image[np.newaxis].astype(np.float32)
    if scale:
        limits = np.iinfo(taken["dtype"])
        values = np.clip(np.round(values / np.float32(scale)) + zero_point, limits.min, limits.max)
    interpreter.set_tensor(taken["index"], values.astype(taken["dtype"]))
    interpreter.invoke()
    right += int(np.argmax(interpreter.get_tensor(given["index"]))) == label
print(right)  # noqa: T201 - its output
