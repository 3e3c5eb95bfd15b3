"""What torch's optimisers load leaves no folder among temporary files."""

from __future__ import annotations

import os
import subprocess
import sys

CODE = """
import torch
from gbtm.compute.torch_optimisers import ready_optimisers
ready_optimisers()
w = torch.zeros(1, requires_grad=True)
step = torch.optim.Adam([w], lr=0.1)
(w - 1).square().sum().backward()
step.step()
assert w.item() > 0
import os
assert "TORCHINDUCTOR_CACHE_DIR" not in os.environ
"""


def test_a_step_of_an_optimiser_leaves_no_folder(tmp_path):
    env = {k: v for k, v in os.environ.items() if k != "TORCHINDUCTOR_CACHE_DIR"} | {"TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", CODE], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [p.name for p in tmp_path.iterdir()] == []
