"""Gauss-Legendre rules against integrals that are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import roots_legendre

from gbtm.compute.quadrature import RULES, enough_nodes, legendre


@pytest.mark.parametrize("n", RULES)
def test_rules_are_exact_for_polynomials_and_scipys(n):
    nodes, log_weight = legendre(n, torch.zeros(1, dtype=torch.float64))
    assert nodes.dtype == torch.float64
    for degree in (0, 1, 2, n, 2 * n - 2, 2 * n - 1):
        want = 0.0 if degree % 2 else 2 / (degree + 1)
        assert float((log_weight.exp() * nodes**degree).sum()) == pytest.approx(want, abs=1e-13)
    theirs = roots_legendre(n)
    np.testing.assert_allclose(nodes, theirs[0], atol=1e-14)
    np.testing.assert_allclose(log_weight.exp(), theirs[1], rtol=1e-10)


@pytest.mark.parametrize(("needed", "nodes"), [(0, 12), (12, 12), (12.1, 16), (100, 128), (192, 192), (1e9, 192)])
def test_the_smallest_rule_that_has_enough(needed, nodes):
    assert enough_nodes(needed) == nodes
