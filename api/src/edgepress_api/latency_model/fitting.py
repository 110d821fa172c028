"""Fits the latency of networks on the work of their operators.

1. The latency of a network is a sum of terms: a time for each operator, each multiply-accumulate operation, each weight
   and each value, by kind of operator. All times are 0 or more. That is what a processor does: it starts operators, it
   multiplies, and it moves weights and values.
2. The times minimize the squared relative errors (non-negative least squares). Networks that do not fit weigh less
   (Huber's weights, by the median of the errors), because another program may have disturbed their measurement.
3. The error is that of networks which a fit did not see: the networks are divided into folds, and each fold is
   predicted from the others. The interval of a prediction is the quantile of these errors that holds for a further
   network as well (split conformal prediction: Vovk et al. 2005, Algorithmic Learning in a Random World; Barber et al.
   2021, Predictive inference with the jackknife+, doi:10.1214/20-AOS1965).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, log
from typing import TYPE_CHECKING

from edgepress_api.latency_model.samples import Work
from edgepress_common.results import OperatorKind, OperatorWork

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
