"""Combines the layouts of a training set, a validation set and a test set."""

import dataclasses

from edgepress_common.class_names import told_apart
from edgepress_common.layout.model import Layout
from edgepress_common.layout.problems import problem


def join_layouts(
    train: Layout,
    validation: Layout | None,
    test: Layout | None = None,
    *,
    what: str,
    field: str = "dataset.path",
) -> Layout:
    """Return one layout that combines up to three.

    Args:
        train: Layout whose training images are used as the training images.
        validation: Layout whose training images are used as the validation images; None for none.
        test: Layout whose training images are used as the test images; None for none.
        what: Name of the data set in errors.
        field: Field of the spec, for errors.

    Raises:
        InvalidSpecError: Their classes differ.
    """
    for name, other in (("validation", validation), ("test", test)):
        if other is not None and other.classes != train.classes:
            odd = told_apart(set(train.classes) ^ set(other.classes))
            raise problem(field, what, f"classes that are only in one of train and {name}: {odd}", "the same in both")
    parts = [part for part in (train, validation, test) if part is not None]
    return dataclasses.replace(
        train,
        validation=validation.train if validation else (),
        test=test.train if test else (),
        unusable=tuple(file for part in parts for file in part.unusable),
        ignored=tuple(file for part in parts for file in part.ignored),
    )
