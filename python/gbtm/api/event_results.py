"""What a fit with a time to an event is asked: survival by group, and what lies ahead of new people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from ..fit.fit import Fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class EventResults(Fit):
    """A fit whose groups may have been made of a time to an event too."""

    def survival(self, times: Any = None, **options: Any) -> pd.DataFrame:
        """Probability of no event over time, by group, with intervals; see
        :func:`gbtm.inference.event_curves.survival`."""
        from ..inference.event_curves import survival

        return survival(self, times, **options)

    def plot_survival(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Survival curves with bands; see :func:`gbtm.figures.survival.plot_survival`."""
        from ..figures.survival import plot_survival

        return plot_survival(self, ax, **options)

    def predict_event(self, newdata: pd.DataFrame, horizon: Any = 1.0, **options: Any) -> pd.DataFrame:
        """Probability of an event within a time for people who have had none; see
        :func:`gbtm.forecast.predict_event.predict_event`."""
        from ..forecast.predict_event import predict_event

        return predict_event(self, newdata, horizon, **options)
