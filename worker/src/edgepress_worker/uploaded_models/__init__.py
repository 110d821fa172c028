"""Builds uploaded Keras models out of what was checked of them; see `edgepress_common.uploaded_models`.

1. `weights` has the file of weights opened by another process, which can do no harm, and gets arrays back.
2. `layers` calls Keras's classes with the plain parameters that were checked. No name from the file is looked up.
3. `building` puts the layers together, each only once its weights have turned out to be of the shapes that it needs.
"""
