"""A mixture that the data hardly determine: 150 simulated people with six binary waves, three groups of order 1.

Its maximum is a regular one, with a smallest eigenvalue of the information of 6e-5: one slope lies anywhere from -3 to
minus infinity, and all else is known as well as in other small samples.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

WAVES = 6
PATTERNS = (
    "000000:48 000001:5 000010:9 000011:5 000100:8 000101:2 000110:1 001000:2 001001:2 001010:1 001011:1 001100:1 "
    "001101:3 001111:5 010000:5 010001:1 010010:2 010011:1 010100:2 010101:1 010111:2 011000:2 011001:2 011011:2 "
    "011100:3 011111:3 100000:8 100001:1 100010:2 100011:1 100100:2 100111:3 101110:1 101111:3 110010:1 110110:1 "
    "111101:2 111110:2 111111:4"
)
PAIRS = [pair.split(":") for pair in PATTERNS.split()]
Y = np.array([[float(y) for y in pattern] for pattern, _ in PAIRS])  # (39, 6) the patterns
COUNT = np.array([int(n) for _, n in PAIRS])
TIMES = np.arange(WAVES) / 5


def weak_table() -> pd.DataFrame:
    """Long data, a row per person and wave."""
    y = np.repeat(Y, COUNT, axis=0)
    n = y.shape[0]
    return pd.DataFrame({"id": np.repeat(np.arange(n), WAVES), "t": np.tile(TIMES, n), "y": y.ravel()})


def weak_loglik(params: torch.Tensor) -> torch.Tensor:
    """The log-likelihood of intercepts and slopes of three groups and theta of the last two, written out."""
    y, t = torch.as_tensor(Y), torch.as_tensor(TIMES)
    b, theta = params[:6].reshape(3, 2), torch.cat([torch.zeros(1, dtype=params.dtype), params[6:]])
    eta = b[:, :1] + b[:, 1:] * t
    each = (y[:, None] * eta - torch.nn.functional.softplus(eta)).sum(2) + torch.log_softmax(theta, 0)
    return torch.as_tensor(COUNT, dtype=params.dtype) @ torch.logsumexp(each, 1)
