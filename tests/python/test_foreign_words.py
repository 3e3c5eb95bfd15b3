"""What other programs call things gets the argument that is meant, or the reason why there is none, at every door."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import gbtm
from gbtm import SpecificationError
from gbtm.foreign_words import MEANT, OF_THE_FIT, OF_THE_MODEL, SAID, plain, way_out
from gbtm.specification.description import Design, options_of
from gbtm.specification.outcome import Outcome

MODEL = [*inspect.signature(gbtm.GBTM.from_formula).parameters]
FIT = [n for n in inspect.signature(gbtm.GBTM.fit).parameters if n != "self"]
DATA = gbtm.datasets.two_groups(rng=0)


@pytest.fixture(scope="module")
def model():
    return gbtm.GBTM.from_formula("y ~ t", DATA, id="id", groups=2, order=1)


def refused(call, name):
    with pytest.raises(SpecificationError) as caught:
        call(**{name: 1})
    assert isinstance(caught.value, TypeError)
    assert (caught.value.code, caught.value.argument) == ("unknown_argument", name)
    assert caught.value.message == f"{name}: no such argument."
    return caught.value.way_out


@pytest.mark.parametrize("word", sorted(MEANT))
def test_each_word_names_an_argument_of_ours(word, model):
    """Of the model where it has one; where the fit has it, fit() is named; and fit() itself takes it."""
    def build(**more):
        return gbtm.GBTM.from_formula("y ~ t", DATA, id="id", **more)

    if word in MODEL or word in OF_THE_FIT:
        return
    ours = next((m for m in MEANT[word] if m in MODEL), None)
    said = refused(build, word)
    if ours == "formula":
        assert "in the formula" in said
        assert "GBTM(y, time)" in said
    elif ours is not None:
        assert said == f"It is called {ours} here."
    elif "n_jobs" in MEANT[word]:
        assert said == SAID["njobs"] == refused(model.fit, word)
    else:
        at_fit = next(m for m in MEANT[word] if m in FIT)
        assert said == f"It goes into the fit: .fit({at_fit}=...)."
        assert refused(model.fit, word) == f"It is called {at_fit} here."


@pytest.mark.parametrize("word", sorted(SAID))
def test_what_has_no_counterpart_is_said_at_every_door_that_fits(word, model):
    known = {plain(n) for n in (*MODEL, *FIT)}
    assert word not in known
    said = way_out(word, MODEL)
    assert said == SAID[word] == way_out(word.upper(), FIT)
    assert said.endswith(".")


@pytest.mark.parametrize(("written", "meant"), [
    ("ng", "groups"), ("degre", "order"), ("degrees", "order"), ("Risk", "risk"), ("classmb", "risk"),
    ("random", "rorder"), ("ymin", "min"), ("subject", "id"), ("ordr", "order"), ("Family", "family"),
    ("sigmabygroup", "sigma_by_group"), ("degre.nu", "iorder"), ("TCOV", "tcov"), ("n_components", "groups"),
    ("nClass", "groups"), ("freq_weights", "weights"), ("outofsample", "out_of_sample"), ("refgr", "refgroup"),
    ("concomitant", "risk"), ("nbClusters", "groups"), ("Model", "family"),
])
def test_words_in_the_spelling_of_their_programs(written, meant):
    def build(**more):
        return gbtm.GBTM.from_formula("y ~ t", DATA, id="id", groups=2, **more)

    assert refused(build, written) == f"It is called {meant} here."
    assert way_out(written, [*MODEL]) == f"It is called {meant} here."


def test_a_word_stands_in_one_table_alone_and_leads_to_something():
    everything = {*MODEL, *FIT, "y", "time", "n_jobs"}
    assert not set(MEANT) & set(SAID)
    assert all(any(m in everything for m in ours) for ours in MEANT.values())
    assert all(plain(word) == word for word in (*MEANT, *SAID))


def test_the_lists_of_what_is_given_elsewhere_are_whole():
    assert set(OF_THE_FIT) == set(FIT)
    assert set(OF_THE_MODEL) == {*options_of(Outcome), *options_of(Design), "id", "wide"}


def test_arguments_of_the_model_and_of_the_fit_are_told_apart(model):
    assert refused(model.fit, "groups") == "It goes into the model: GBTM(..., groups=...)."
    assert refused(model.fit, "ng") == "It goes into the model: GBTM(..., groups=...)."
    assert refused(lambda **k: gbtm.GBTM.from_formula("y ~ t", DATA, groups=2, **k), "rng").endswith(".fit(rng=...).")


def test_the_arrays_of_trajer_are_y_and_time():
    y = np.zeros((4, 3))
    with pytest.raises(TypeError, match=r"^Y: no such argument\. It is called y here\.$"):
        gbtm.GBTM(Y=y, A=y, ng=2)
    with pytest.raises(TypeError, match=r"^A: no such argument\. It is called time here\.$"):
        gbtm.GBTM(y, A=y, groups=2)
    with pytest.raises(TypeError, match=r"^ng: no such argument\. It is called groups here\.$"):
        gbtm.GBTM(ng=2, Y=y)


@pytest.mark.parametrize(("written", "meant"), [("random_state", "rng"), ("n_init", "n_starts"), ("model", "family"),
                                                ("verbose", "progress"), ("cores", "n_jobs"), ("ng", "groups")])
def test_a_search_has_arguments_of_both(written, meant):
    said = refused(lambda **k: gbtm.search("y ~ t", DATA, id="id", **k), written)
    assert said == f"It is called {meant} here."


def test_of_two_faults_the_word_is_told_first():
    with pytest.raises(SpecificationError, match="ng: no such argument"):
        gbtm.GBTM.from_formula("y ~ t", ng=2)
    with pytest.raises(TypeError, match="data: not given"):
        gbtm.search("y ~ t", family="zip")


def test_the_reference_group_belongs_to_the_model(model):
    res = model.fit(n_starts=2, rng=0)
    assert refused(res.odds_ratios, "reference") == "The reference group is chosen with the model: refgroup."


def test_cov_type_may_stand_where_r_has_it_and_fit_has_the_last_word(model):
    plain_fit = model.fit(n_starts=2, cov_type="robust")
    with_model = gbtm.GBTM.from_formula("y ~ t", DATA, id="id", groups=2, order=1, cov_type="robust")
    assert with_model.fit(n_starts=2).bse.equals(plain_fit.bse)
    assert with_model.fit(n_starts=2, cov_type="hessian").bse.equals(model.fit(n_starts=2).bse)
    wide = DATA.pivot(index="id", columns="t", values="y")
    arrays = gbtm.GBTM(wide, wide.columns.to_numpy(float), groups=2, order=1, cov_type="robust").fit(n_starts=2)
    np.testing.assert_allclose(arrays.bse, plain_fit.bse, rtol=1e-6)
    for build in (lambda **k: gbtm.GBTM.from_formula("y ~ t", DATA, id="id", groups=2, **k),
                  lambda **k: gbtm.GBTM(wide, wide.columns.to_numpy(float), groups=2, **k)):
        for kind in ("HC0", "cluster"):
            with pytest.raises(SpecificationError, match=r"^cov_type: ") as caught:
                build(cov_type=kind)
            assert caught.value.code == "bad_cov_type"


def test_groups_that_disagree_with_their_orders_are_refused():
    for given in ({"order": [1, 1, 0]}, {"iorder": [0, 0, 0], "family": "zip"}):
        with pytest.raises(SpecificationError, match=r"order: 3 values for 2 groups|3.*2") as caught:
            gbtm.GBTM.from_formula("y ~ t", DATA, id="id", groups=2, **given)
        assert caught.value.code in ("order_length", "bad_order", "bad_iorder")
    assert gbtm.GBTM.from_formula("y ~ t", DATA, id="id", order=(1, 1, 0)).spec.n_groups == 3
    assert gbtm.GBTM.from_formula("y ~ t", DATA, id="id", groups=None, order=np.array([1, 0])).spec.n_groups == 2


def test_pruning_is_answered_as_gbmt_means_it():
    """gbmt's pruning takes out polynomial terms; flexmix's minprior takes out groups."""
    terms = "No term of a curve is dropped on the way: fit models of lower order and compare them."
    assert way_out("pruning", MODEL) == terms
    assert way_out("minprior", MODEL) == "No group is dropped on the way: fit models of fewer groups and compare them."
