"""A mini-batch of people is the likelihood of these people, at the parameters of the whole."""

import numpy as np
import pytest
import torch

import gbtm
import parts
from gbtm.likelihood.mixture import Mixture

ROWS = np.array([17, 3, 40, 8, 25])


def built(name):
    drawn = parts.draw(name)
    return drawn.built()


@pytest.mark.parametrize(("name", "path"), [(n, parts.PATHS[i % 3]) for i, n in enumerate(parts.PARTS)])
def test_a_batch_has_the_people_of_the_whole_in_the_order_asked(monkeypatch, name, path):
    parts.hold(monkeypatch, path)
    model = built(name)
    module = Mixture(model.layout, model.panel)
    module.set_flat(parts.away(model, name))
    batch = module.batch(ROWS)
    torch.testing.assert_close(batch(), module()[torch.as_tensor(ROWS)], rtol=1e-13, atol=1e-13)
    alone = Mixture(model.layout, model.panel.subset(np.sort(ROWS)))
    alone.set_flat(parts.away(model, name))
    torch.testing.assert_close(batch()[torch.as_tensor(np.argsort(ROWS))], alone(), rtol=1e-12, atol=1e-12)


WHOLE = [{"rorder": 1}, {"ar1": True}, {"rorder": 0, "min": 0.0}, {"ar1": True, "min": 0.0}]


@pytest.mark.parametrize("options", WHOLE)
def test_whole_subjects_are_batched_too(options):
    rng = np.random.default_rng(2)
    y = rng.normal(2, 1, (60, 5)) + rng.normal(0, 1, 60)[:, None]
    family = "cnorm" if "min" in options else "normal"
    model = gbtm.GBTM(np.maximum(y, 0.0) if "min" in options else y, np.arange(5), groups=2, order=1, family=family,
                      **options)
    module = model.module()
    torch.testing.assert_close(module.batch(ROWS)(), module()[torch.as_tensor(ROWS)], rtol=1e-12, atol=1e-12)


def test_batches_that_part_the_people_sum_to_the_whole_gradient():
    model = built("everything")
    module = Mixture(model.layout, model.panel)
    module.set_flat(parts.away(model, "everything"))
    weight = torch.as_tensor(module.person_weight)
    (module() @ weight).backward()
    whole = {name: p.grad.clone() for name, p in module.free.items()}
    module.zero_grad()
    n = module.person_weight.size
    for rows in np.array_split(np.random.default_rng(0).permutation(n), 6):
        part = module.batch(rows)
        (part() @ torch.as_tensor(part.person_weight)).backward()
    for name, p in module.free.items():
        torch.testing.assert_close(p.grad, whole[name], rtol=1e-10, atol=1e-10)


def test_alike_people_are_one_in_the_batch_too():
    model = built("tcov_cells")
    module = Mixture(model.layout, model.panel)
    assert module.expand is not None
    rows = np.arange(0, model.panel.n_subjects, 2)
    part = module.batch(rows)
    assert part.n_distinct < rows.size
    assert part.weight.sum() == pytest.approx(rows.size)
    module.set_flat(parts.away(model, "tcov_cells"))
    direct = (module()[torch.as_tensor(rows)]).sum().item()
    assert part.total_loglik(module.flat()[None]).item() == pytest.approx(direct, rel=1e-13)


def test_a_batch_follows_its_module():
    model = built("risk")
    module = Mixture(model.layout, model.panel)
    part = module.batch(ROWS)
    module.set_flat(parts.away(model, "risk"))
    torch.testing.assert_close(part(), module()[torch.as_tensor(ROWS)])
    assert {id(p) for p in part.parameters()} == {id(p) for p in module.parameters()}


@pytest.mark.parametrize("rows", [[0, 0], [-1], [120], [0.5], [], [[0, 1]], ["a"], [True, False]])
def test_what_is_no_position_is_refused(rows):
    module = Mixture(built("risk").layout, built("risk").panel)
    with pytest.raises(gbtm.SpecificationError, match="rows") as caught:
        module.batch(rows)
    assert caught.value.code == "bad_rows"


def test_a_mask_stands_for_its_positions():
    model = built("weights")
    module = Mixture(model.layout, model.panel)
    mask = np.zeros(model.panel.n_subjects, dtype=bool)
    mask[ROWS] = True
    assert torch.equal(module.batch(mask)(), module.batch(np.sort(ROWS))())
