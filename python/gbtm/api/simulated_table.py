"""The table of outcomes that a fit draws anew for its people."""

from __future__ import annotations

import pandas as pd

from ..data.output_names import apart
from ..fit.fit import Fit
from ..likelihood.simulate import simulate
from ..model.squeezed import as_read
from ..record.rebuild import layout_of, panel_of


def simulated_table(res: Fit, seed: int) -> pd.DataFrame:
    """One row an observation: id, time and outcome under their names, and the group that was drawn, 1..K.

    Of several outcomes the columns are id, outcome (which), time, y and group.
    """
    layout = layout_of(res)
    panel, drawn = simulate(layout, res.internal.params, panel_of(res), seed)
    if len(panel.outcomes) > 1:
        (subject,) = apart([res.id_name], ["outcome", "time", "y", "group"])
        of_outcome = [layout.class_groups[layout.spec.set_of(m)][drawn] for m in range(len(panel.outcomes))]
        return pd.concat([
            pd.DataFrame({subject: res.ids[m.subject], "outcome": m.name, "time": m.time, "y": as_read(m),
                          "group": group[m.subject] + 1})
            for m, group in zip(panel.outcomes, of_outcome, strict=True)
        ], ignore_index=True)
    m = panel.outcomes[0]
    subject, time, outcome = apart([res.id_name, res.time_name, res.outcome_name], ["group"])
    return pd.DataFrame(
        {subject: res.ids[m.subject], time: m.time, outcome: as_read(m), "group": drawn[m.subject] + 1})
