"""Three ways to the same two groups: a free-weights squared-error module, our likelihood with Adam, our fit.

The data: 2 groups of 50 people over 11 periods, 1 + 0.5 t and 1.5 t^2 with t = (period - 5.5)/5.5, periods 0 to 10,
uniform noise of +-0.05. Run: python examples/three_ways.py [--quick]
"""

from __future__ import annotations

import sys
import time

import numpy as np
import torch
from torch import Tensor, nn

import gbtm

TRUTH = np.array([[0.0, 0.0, 1.5], [1.0, 0.5, 0.0]])  # in the order of the fit: lower mean first


class FreeWeights(nn.Module):
    """Each person has free weights on two curves; trained on the squared error of the weighted mean.

    Any two curves that enclose the data fit as well with other weights, so neither curves nor weights are determined.
    """

    def __init__(self, n_subjects: int, n_groups: int = 2, order: int = 2) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.beta = nn.Parameter(0.1 * torch.randn(n_groups, order + 1, dtype=torch.float64))
        self.logits = nn.Parameter(0.1 * torch.randn(n_subjects, n_groups, dtype=torch.float64))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """x (T, q), y (N, T) -> loss."""
        fitted = torch.softmax(self.logits, dim=1) @ (self.beta @ x.T)
        return ((y - fitted) ** 2).mean()


def free_weights(y: np.ndarray, t: np.ndarray, iterations: int) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (2, 3) and memberships (N, 2) after Adam."""
    x = torch.as_tensor(np.vander(t, 3, increasing=True))
    target = torch.tensor(y)
    module = FreeWeights(len(y))
    optimiser = torch.optim.Adam(module.parameters(), lr=1e-2)
    for _ in range(iterations):
        optimiser.zero_grad()
        loss = module(x, target)
        loss.backward()
        optimiser.step()
    return module.beta.detach().numpy(), torch.softmax(module.logits, dim=1).detach().numpy()


def likelihood_with_adam(model: gbtm.GBTM, iterations: int) -> tuple[np.ndarray, np.ndarray]:
    """The same optimiser on the mixture likelihood: nothing but the objective differs."""
    module = model.module()
    optimiser = torch.optim.Adam(module.parameters(), lr=1e-2)
    for _ in range(iterations):
        optimiser.zero_grad()
        loss = -module().sum()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        posterior = module.posterior(module.flat()[None])[0].T.numpy()
    params = model.layout.report(module.flat().detach().numpy())
    return params[:6].reshape(2, 3), posterior


def row(name: str, beta: np.ndarray, posterior: np.ndarray, seconds: float, note: str) -> str:
    """One line of the comparison; groups are matched to the truth by their coefficients."""
    order = min(([0, 1], [1, 0]), key=lambda o: np.abs(beta[o] - TRUTH).max())
    error = np.abs(beta[order] - TRUTH).max()
    surest = posterior[:, order].max(axis=1)
    return f"{name:<38}{error:>12.4f}{100 * surest.min():>14.4f} %{seconds:>11.3f} s   {note}"


def main(quick: bool = False) -> list[str]:
    """Run all three and return the lines of the comparison."""
    data = gbtm.datasets.two_groups(rng=0)
    y = data.pivot(index="id", columns="t", values="y")
    t = y.columns.to_numpy()
    model = gbtm.GBTM.from_formula("y ~ t", data=data, id="id", groups=2, order=2, family="normal")
    model.fit()  # so that the clock below does not count loading torch
    lines = [f"{'':<38}{'worst coef':>12}{'least sure':>16}{'time':>13}"]

    begun = time.perf_counter()
    iterations = 2_500 if quick else 25_000
    beta, weights = free_weights(y.to_numpy(), t, iterations)
    note = f"{iterations} Adam steps; no standard errors"
    lines.append(row("free weights, squared error, Adam", beta, weights, time.perf_counter() - begun, note))

    begun = time.perf_counter()
    iterations = 500 if quick else 2_000
    beta, weights = likelihood_with_adam(model, iterations)
    note = f"{iterations} Adam steps on the same nn.Module"
    lines.append(row("our likelihood module, Adam", beta, weights, time.perf_counter() - begun, note))

    begun = time.perf_counter()
    res = model.fit()
    beta = res.params.to_numpy()[:6].reshape(2, 3)
    note = f"{res.start_report.attrs['sentence']} Largest SE {res.bse.iloc[:6].max():.4f}"
    lines.append(row("our fit()", beta, res.posterior.to_numpy(), time.perf_counter() - begun, note))
    return lines


if __name__ == "__main__":
    print("\n".join(main(quick="--quick" in sys.argv[1:])))
