"""The fit document: bitwise through JSON, and nothing else is read."""

from __future__ import annotations

import json

import numpy as np
import pytest

import gbtm
from conftest import TRUTH
from gbtm import DataError
from gbtm.record.document import decode, encode, from_json, to_json


def _same(a, b):
    """Equal, with NaN equal to NaN and arrays bit by bit."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        x, y = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
        assert x.shape == y.shape
        assert x.tobytes() == y.tobytes()
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for k in a:
            _same(a[k], b[k])
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            _same(x, y)
    else:
        assert a == b


@pytest.mark.parametrize("name", TRUTH)
def test_bitwise_through_a_file(name, fitted, tmp_path):
    res = fitted(name)
    res.save(tmp_path / "fit.json")
    again = gbtm.load(tmp_path / "fit.json")
    _same(json.loads(to_json(res.document)), json.loads(to_json(again.document)))
    for attribute in ("params", "bse", "posterior", "assignment", "criteria", "group_shares", "observed_means"):
        a, b = getattr(res, attribute), getattr(again, attribute)
        assert np.asarray(a, dtype=float).tobytes() == np.asarray(b, dtype=float).tobytes()
        assert a.index.equals(b.index)
    assert again.llf == res.llf
    assert again.warnings == res.warnings
    assert again.to_traj().text == res.to_traj().text
    assert again.start_report.attrs == res.start_report.attrs
    again.save(tmp_path / "twice.json")
    assert (tmp_path / "twice.json").read_text() == (tmp_path / "fit.json").read_text()


def test_there_is_no_nan_in_the_json():
    rng = np.random.default_rng(0)
    y = np.vstack([np.ones((30, 10)), rng.random((40, 10)) < 0.4])
    with pytest.warns(gbtm.GBTMWarning):
        res = gbtm.GBTM(y, range(10), groups=2, order=0, family="logit").fit()
    assert np.isnan(res.bse).any()
    text = to_json(res.document)

    def refuse(token):
        raise AssertionError(token)

    again = from_json(text) if json.loads(text, parse_constant=refuse) else None
    np.testing.assert_array_equal(np.asarray(again["cov_params"]), np.asarray(res.document["cov_params"]))


@pytest.mark.parametrize(
    "value",
    [np.array([1.0, np.nan, np.inf, -np.inf, -0.0, 5e-324]), np.zeros((0, 3)), np.arange(6.0).reshape(2, 3).T,
     np.array([1, 2, 3]), np.array([True, False])],
    ids=["special", "empty", "transposed", "integers", "logical"],
)
def test_arrays_round_trip(value):
    again = decode(json.loads(json.dumps(encode(value), allow_nan=False)))
    assert again.dtype == np.float64
    assert again.shape == value.shape
    assert again.tobytes() == np.ascontiguousarray(value, dtype=float).tobytes()
    again[...] = 0  # writable


def test_scalars():
    assert encode({"a": np.float64(1.5), "b": np.int64(3), "c": np.bool_(True), "d": None, "e": (1, "x")}) == {
        "a": 1.5, "b": 3, "c": True, "d": None, "e": [1, "x"]
    }
    assert encode(float("nan")) is None
    assert encode(np.datetime64("2020-01-01")) == "2020-01-01"


def test_ids_of_text_and_numbers_survive(tmp_path):
    y = np.random.default_rng(0).normal(size=(6, 3)) + np.repeat([0, 9], 3)[:, None]
    for ids in (["a", "b", "c", "d", "e", "f"], [10, 20, 30, 40, 50, 60]):
        res = gbtm.GBTM(y, range(3), ids, groups=2, order=0).fit()
        res.save(tmp_path / "fit.json")
        assert list(gbtm.load(tmp_path / "fit.json").ids) == ids


@pytest.mark.parametrize(
    ("text", "fragment"),
    [("", "not a fit document"), ("{", "not a fit document"), ("[1, 2]", "not a fit document"),
     ('{"format": "other"}', "not a fit document"), ('"gbtm-fit"', "not a fit document"),
     ('{"format": "gbtm-fit", "format_version": 99}', "format version 99 is newer")],
)
def test_anything_else_is_refused_by_name(text, fragment, tmp_path):
    path = tmp_path / "thing.json"
    path.write_text(text)
    with pytest.raises(DataError, match=fragment) as e:
        gbtm.load(path)
    assert e.value.code == "bad_document"
    assert e.value.argument == "path"
    assert "thing.json" in e.value.message


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    for path, code in (
        (tmp_path / "none.json", "no_file"), (tmp_path, "no_file"), (tmp_path / "bytes", "bad_document"),
    ):
        with pytest.raises(DataError, match=path.name) as caught:
            gbtm.load(path)
        assert (caught.value.code, caught.value.argument) == (code, "path")
        assert caught.value.way_out


def test_a_document_without_its_version_is_refused(tmp_path):
    path = tmp_path / "thing.json"
    path.write_text('{"format": "gbtm-fit"}')
    with pytest.raises(DataError):
        gbtm.load(path)


def test_a_fit_stays_a_document(fitted):
    """Fields that R and other readers rely on."""
    document = fitted("normal").document
    assert document["format"] == "gbtm-fit"
    assert document["format_version"] == 2
    for field in ("outcomes", "group_sets", "names", "params", "cov_params", "loglik", "search", "warnings"):
        assert field in document
    assert document["created_by"] == f"gbtm {gbtm.__version__}"
