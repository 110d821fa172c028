"""Which file to ship: a job's files ordered by goals, and the order explained.

``candidates`` takes a report's rows as what can be chosen, ``scoring`` puts their figures on scales, ``judgements``
finds the weights, ``ranking`` orders by three methods, ``front`` finds what nothing else beats, ``stability`` how far
the order stands when weights change, ``noise`` which differences are none; ``recommending`` puts that together into the
``document``, in ``wording`` and ``cautions`` with its figures in sentences.

The arithmetic is our own, of a page in all, and held against published examples; see docs/decisions.
"""
