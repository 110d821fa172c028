"""The images of packs, for people: samples of a data set, and what a file classifies wrongly.

1. `packed` reads single images and all labels of a pack, without arrays.
2. `png` encodes an image for browsers.
3. `samples` and `warnings` describe a data set.
4. `errors` selects images by what one or two files answer.
"""
