"""Writes coded files (.epz): .tflite files and images in fewer bytes than a zip, restored bit for bit.

`edgepress_common.bundle_files.decode` restores them; docs/coded-files.md describes the format.
"""

CODED_MEDIA_TYPE = "application/x-edgepress-coded"
