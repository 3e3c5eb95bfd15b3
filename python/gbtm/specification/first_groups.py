"""A model with fewer groups, from which a larger one is grown."""

from __future__ import annotations

from dataclasses import replace

from .spec import ModelSpec


def first_groups(spec: ModelSpec, k: int) -> ModelSpec:
    """The model of the first k groups."""
    return ModelSpec(
        k,
        tuple(
            replace(
                o, orders=None if o.orders is None else o.orders[:k],
                zero_orders=o.zero_orders if o.zero_orders is None or o.zero_common else o.zero_orders[:k],
                random_orders=None if o.random_orders is None else o.random_orders[:k],
            )
            for o in spec.outcomes
        ),
        reference=spec.reference if spec.reference < k else 0,
        dropout=None if spec.dropout is None or max(spec.dropout[:k]) < 0 else spec.dropout[:k], prior=spec.prior,
        event=spec.event,
    )
