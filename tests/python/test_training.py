"""Training by mini-batches: EM by batches, torch's optimisers, early stopping, schedules, checkpoints."""

import numpy as np
import pandas as pd
import pytest
import torch

import gbtm
import parts
from gbtm.likelihood.derivatives import observed
from gbtm.likelihood.mixture import Mixture
from gbtm.training.checkpoint import TrainingCheckpoint
from gbtm.training.people import batches, split
from gbtm.training.stochastic_em import StochasticEM


def adam(parameters):
    return torch.optim.Adam(parameters, lr=0.02)


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(3)
    group = rng.choice(2, 600, p=[0.6, 0.4])
    t = np.arange(5)
    y = rng.poisson(np.exp(np.array([[-0.5, 0.1], [1.2, -0.1]])[group] @ np.vstack([np.ones(5), t])))
    return gbtm.GBTM(y.astype(float), t, groups=2, order=1, family="poisson")


@pytest.fixture(scope="module")
def certified(model):
    return model.fit()


@pytest.mark.parametrize("optimiser", [None, adam], ids=["em", "adam"])
def test_training_ends_at_the_certified_maximum(model, certified, optimiser):
    out = gbtm.train(model, optimiser=optimiser, batch_size=60, epochs=6)
    assert out.res.llf == pytest.approx(certified.llf, abs=1e-8)
    assert out.res.converged
    np.testing.assert_allclose(out.res.bse, certified.bse, rtol=1e-6)
    # and was near before the last steps: a likelihood ratio away that no test would notice
    assert 0 <= certified.llf - out.llf < 2.0
    np.testing.assert_allclose(out.params, certified.params, atol=3 * certified.bse.max())


def test_a_seed_decides_all_and_another_seed_other_batches(model):
    runs = [gbtm.train(model, batch_size=100, epochs=2, finish=False, rng=s) for s in (0, 0, 1)]
    pd.testing.assert_frame_equal(runs[0].history, runs[1].history, check_exact=True)
    assert runs[0].llf == runs[1].llf
    assert not runs[0].history["held_out"].equals(runs[2].history["held_out"])


def test_one_batch_of_everybody_is_an_em_step(model):
    module = Mixture(model.layout, model.panel)
    start = model.module().flat().detach()
    module.set_flat(start)
    StochasticEM(module).step(module.batch(np.arange(600)))
    # EM's M-step of the shares: mean posteriors
    posterior = module.posterior(start[None])[0] @ module.weight / module.weight.sum()
    shares = module.log_shares(module.flat()[None])[0, :, 0].exp()
    torch.testing.assert_close(shares.detach(), posterior.detach(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["risk", "weights", "everything", "tcov_cells"])
def test_em_by_batches_climbs_whatever_the_parts_of_the_model(name):
    drawn = parts.draw(name)
    built = drawn.built()
    module = Mixture(built.layout, built.panel)
    module.set_flat(parts.away(built, name, sd=0.4))
    before = float(module.total_loglik(module.flat()[None])[0])
    way = StochasticEM(module)
    for epoch in range(6):
        for rows in batches(np.arange(built.panel.n_subjects), 40, 0, epoch):
            way.step(module.batch(rows))
    after = float(module.total_loglik(module.flat()[None])[0])
    best = built.fit(start=pd.Series(built.layout.report(module.flat().detach().numpy()), index=built.layout.names))
    assert after > before
    assert best.llf - after < 0.3 * (best.llf - before)


def test_the_gradient_of_the_batches_is_the_engines(model):
    module = Mixture(model.layout, model.panel)
    module.set_flat(model.module().flat().detach())
    for rows in np.array_split(np.arange(600), 7):
        (-module.batch(rows)().sum()).backward()
    by_autograd = torch.cat([module.free[n].grad for n in module._positions()])[module.place]
    closed = observed(module, module.flat().detach()[None])[1][0]
    torch.testing.assert_close(-by_autograd, closed, rtol=1e-10, atol=1e-9)


def test_people_held_out_by_whom_it_stops(model):
    out = gbtm.train(model, optimiser=lambda p: torch.optim.SGD(p, lr=1e-9), epochs=30, patience=3, finish=False,
                     batch_size=300)
    # nothing is learned at such a rate, so that no epoch is much better than the start
    assert out.stopped_early or len(out.history) == 31
    best = int(out.history["held_out"].idxmax())
    assert out.best_epoch == best
    if out.stopped_early:
        assert len(out.history) - 1 - best == 3


def test_the_parameters_of_the_best_epoch_are_kept(model):
    away = gbtm.train(model, optimiser=lambda p: torch.optim.SGD(p, lr=0.2), epochs=8, patience=8, finish=False,
                      batch_size=30)
    people, held = split(model.panel.subjects, 0.1, 0)
    assert people.size + held.size == 600
    module = Mixture(model.layout, model.panel)
    module.set_flat(model.layout.unreport(away.params.to_numpy()))
    held_out = float(module.batch(held)().mean())
    assert held_out == pytest.approx(away.history["held_out"].max(), rel=1e-10)


def test_without_people_held_out_all_epochs_run(model):
    out = gbtm.train(model, epochs=3, held_out=0, finish=False)
    assert len(out.history) == 4
    assert out.best_epoch == 3
    assert out.history["held_out"].isna().all()
    assert not out.stopped_early


def test_schedules_set_the_learning_rate(model):
    out = gbtm.train(model, optimiser=adam, epochs=3, finish=False, patience=9,
                     schedule=lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.5))
    np.testing.assert_allclose(out.history["learning_rate"], [0.02, 0.02, 0.01, 0.005])
    plateau = gbtm.train(model, optimiser=lambda p: torch.optim.SGD(p, lr=1e-6), epochs=4, finish=False, patience=9,
                         schedule=lambda o: torch.optim.lr_scheduler.ReduceLROnPlateau(o, factor=0.1, patience=0))
    assert plateau.history["learning_rate"].iloc[-1] < 1e-6


@pytest.mark.parametrize("optimiser", [None, adam], ids=["em", "adam"])
def test_a_training_cut_off_goes_on_to_the_same_digits(model, tmp_path, optimiser):
    whole = gbtm.train(model, optimiser=optimiser, epochs=4, batch_size=100, patience=9, finish=False)
    file = tmp_path / "training.pt"
    gbtm.train(model, optimiser=optimiser, epochs=2, batch_size=100, patience=9, finish=False, checkpoint=file)
    rest = gbtm.train(model, optimiser=optimiser, epochs=4, batch_size=100, patience=9, finish=False, checkpoint=file)
    pd.testing.assert_frame_equal(rest.history, whole.history, check_exact=True)
    assert rest.llf == whole.llf
    assert [p.name for p in tmp_path.iterdir()] == ["training.pt"]


def test_a_checkpoint_of_something_else_is_refused(model, tmp_path):
    file = tmp_path / "training.pt"
    gbtm.train(model, epochs=1, finish=False, checkpoint=file)
    with pytest.raises(gbtm.DataError) as caught:
        gbtm.train(model, epochs=1, finish=False, checkpoint=file, batch_size=77)
    assert caught.value.code == "other_checkpoint"
    before = file.read_bytes()
    file.write_bytes(b"nothing of the kind")
    with pytest.raises(gbtm.DataError) as caught:
        gbtm.train(model, epochs=1, finish=False, checkpoint=file)
    assert caught.value.code == "bad_checkpoint"
    file.write_bytes(before[:200])
    with pytest.raises(gbtm.DataError) as caught:
        TrainingCheckpoint(file, "").read()
    assert caught.value.code == "bad_checkpoint"


class Runs:
    def __reduce__(self):
        return print, ("executed",)


def test_nothing_in_a_checkpoint_is_executed(model, tmp_path, capsys):
    file = tmp_path / "training.pt"
    torch.save({"format": "gbtm-training-1", "of": Runs()}, file)
    with pytest.raises(gbtm.DataError) as caught:
        gbtm.train(model, epochs=1, finish=False, checkpoint=file)
    assert caught.value.code == "bad_checkpoint"
    assert "executed" not in capsys.readouterr().out


def test_clusters_are_held_out_whole():
    rng = np.random.default_rng(0)
    cluster = rng.integers(0, 20, 200)
    subjects = gbtm.data.subjects.Subjects(risk=np.zeros((200, 0)), cluster=cluster)
    people, held = split(subjects, 0.2, 1)
    assert np.unique(cluster[held]).size == 4
    assert not set(cluster[held]) & set(cluster[people])


def test_an_epoch_has_everybody_once():
    people = np.arange(5, 208)
    order = batches(people, 50, 0, 3)
    assert max(b.size for b in order) <= 50
    np.testing.assert_array_equal(np.sort(np.concatenate(order)), people)
    assert not np.array_equal(np.concatenate(order), np.concatenate(batches(people, 50, 0, 4)))


@pytest.mark.parametrize(("asked", "code"), [
    ({"optimiser": lambda p: "Adam"}, "bad_optimiser"), ({"held_out": 1.0}, "bad_held_out"),
    ({"held_out": 0.0001}, "bad_held_out"), ({"batch_size": 0}, "bad_batch_size"), ({"epochs": 0}, "bad_epochs"),
    ({"optimiser": adam, "schedule": lambda o: 3}, "bad_schedule"), ({"start": "anywhere"}, "bad_start"),
    ({"optimiser": lambda p: torch.optim.SGD(p, lr=1e300), "held_out": 0.1}, "diverged"),
    ({"optimiser": adam, "held_out": 0, "schedule": torch.optim.lr_scheduler.ReduceLROnPlateau}, "bad_schedule"),
    ({"schedule": lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.5)}, "bad_schedule"),
])
def test_what_cannot_be_is_refused(model, asked, code):
    with pytest.raises((gbtm.SpecificationError, gbtm.DataError)) as caught:
        gbtm.train(model, epochs=asked.pop("epochs", 2), finish=False, **asked)
    assert caught.value.code == code


def test_people_seen_at_times_of_their_own_need_an_optimiser(monkeypatch):
    parts.hold(monkeypatch, "rows")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"id": np.repeat(np.arange(100), 4), "t": rng.random(400)})
    frame["y"] = frame["t"] + (frame["id"] % 2) * 3 + rng.normal(0, 0.5, 400)
    model = gbtm.GBTM.from_formula("y ~ t", frame, id="id", groups=2, order=1)
    with pytest.raises(gbtm.SpecificationError) as caught:
        gbtm.train(model, finish=False)
    assert caught.value.code == "no_shared_cells"
    out = gbtm.train(model, optimiser=adam, epochs=2, batch_size=20)
    assert out.res.llf == pytest.approx(model.fit().llf, abs=1e-8)


def test_multi_and_dual_models_are_trained_too():
    rng = np.random.default_rng(1)
    group = rng.choice(2, 200)
    frame = pd.DataFrame({"id": np.repeat(np.arange(200), 4), "t": np.tile(np.arange(4), 200)})
    frame["a"] = rng.poisson(np.exp(group[frame["id"]] * 1.5 - 0.5))
    frame["b"] = (rng.random(800) < 0.2 + 0.6 * group[frame["id"]]).astype(float)
    outcomes = [gbtm.Outcome("a ~ t", family="poisson", order=1), gbtm.Outcome("b ~ t", family="logit", order=1)]
    for groups in (2, [2, 2]):
        model = gbtm.GBTM.from_formula(outcomes, frame, id="id", groups=groups)
        out = gbtm.train(model, epochs=2, batch_size=50)
        assert out.res.llf == pytest.approx(model.fit().llf, abs=1e-6)


def test_the_summary_and_the_figure_say_what_happened(model):
    out = gbtm.train(model, epochs=3, batch_size=100)
    assert "3 epochs of mini-batches" in repr(out)
    assert f"{out.res.llf:.4f}, converged" in repr(out)
    ax = out.plot()
    assert ax.get_xlabel() == "Epoch"
    np.testing.assert_allclose(ax.lines[1].get_ydata(), out.history["held_out"])
