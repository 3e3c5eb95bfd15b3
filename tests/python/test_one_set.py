"""One set of groups of a dual model: its own layout and data, and the margins that the dual's parameters make."""

from __future__ import annotations

import numpy as np
import pytest

from dual import fitted, model
from gbtm.model.one_set import marginal, marginal_layout, prepared_of_set


@pytest.mark.parametrize("which", ["dual", "dual_risk"])
@pytest.mark.parametrize("group_set", [0, 1])
def test_margins_and_their_derivative(which, group_set):
    layout, flat = fitted(which).layout, fitted(which).internal.params
    own = marginal_layout(layout, group_set)
    values, jacobian = marginal(layout, flat, group_set)
    np.testing.assert_allclose(own.shares(values), layout.marginal(layout.shares(flat), group_set), atol=1e-12)
    h = 1e-6
    numeric = np.stack([
        (marginal(layout, flat + h * e, group_set)[0] - marginal(layout, flat - h * e, group_set)[0]) / (2 * h)
        for e in np.eye(layout.size)], axis=1)
    np.testing.assert_allclose(jacobian, numeric, atol=1e-7)
    curve = [n for n in own.names if not n.startswith("theta")]
    prefix = "ab"[group_set]
    at = [layout.names.index(f"{prefix}: {n}") for n in curve]
    np.testing.assert_array_equal(values[: len(curve)], flat[at])


def test_each_set_has_its_outcome_and_covariates():
    prepared = model("dual_risk").prepared
    first, second = (prepared_of_set(prepared, s) for s in (0, 1))
    assert [o.name for o in first.panel.outcomes] == ["a"]
    assert [o.name for o in second.panel.outcomes] == ["b"]
    assert first.panel.subjects.risk_names == ("x",)
    assert second.panel.subjects.risk_names == ("z",)
    assert second.spec.n_groups == 2
    assert second.panel.n_subjects == prepared.panel.n_subjects
