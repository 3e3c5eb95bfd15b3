"""Simulated panels that both languages ship, with the truth that drew them. data-raw/datasets.R makes their files."""

from __future__ import annotations

from importlib import resources

import pandas as pd


def _read(name: str) -> pd.DataFrame:
    """The rows of ``name``.csv, which lies in this folder."""
    with resources.files(__package__).joinpath(f"{name}.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)


def offending() -> pd.DataFrame:
    """Offenses of 150 people at ages 10 to 17, simulated: three groups, zero-inflated Poisson counts.

    In every group a count is zero with probability 0.25 whatever its rate (``zero_intercept`` -1.0986), and otherwise
    Poisson with the rate, at a = age - 13,

    * group 1, 75 people: log rate = -1.2 - 0.02 a^2;
    * group 2, 45 people: log rate = 1.0 - 0.12 a^2;
    * group 3, 30 people: log rate = 1.3 + 0.05 a - 0.02 a^2.

    40 counts are missing, at random.

    Returns
    -------
    DataFrame of 1200 rows: ``id``, ``age`` in years, ``offenses`` in the year, ``true_group``.

    Examples
    --------
    >>> from gbtm.datasets import offending
    >>> offending().groupby("true_group")["offenses"].mean().round(2).tolist()
    [0.21, 1.11, 2.26]
    """
    return _read("offending")


def symptoms() -> pd.DataFrame:
    """Scores of 200 people on a scale of symptoms from 0 to 10, six months, simulated: three groups, censored normal.

    The latent score is normal with sigma 1.5; what is recorded is cut at 0 and 10 and rounded to a decimal. Its mean,

    * group 1: -0.5 + 0.2 month;
    * group 2: 2 + 1.1 month;
    * group 3: 8.5 - 0.3 month.

    Membership, with group 1 as the reference: log odds of group 2 are -0.6 + 0.8 female, of group 3 -1.4 + 1.0 female.
    A score is missing with probability 0.05.

    Returns
    -------
    DataFrame of 1200 rows: ``id``, ``month`` 0 to 5, ``score``, ``female`` 0 or 1, ``true_group``.

    Examples
    --------
    >>> from gbtm.datasets import symptoms
    >>> (symptoms()["score"] == 0).groupby(symptoms()["true_group"]).mean().round(2).tolist()
    [0.51, 0.01, 0.0]
    """
    return _read("symptoms")


def smoking() -> pd.DataFrame:
    """Whether 240 young people smoked in the last month, each year from 12 to 18, simulated: three groups, logit.

    The log odds of smoking, at a = age - 15,

    * group 1: -3.5 + 0.2 a;
    * group 2: -1.0 + 1.0 a;
    * group 3: 1.5 + 0.5 a - 0.15 a^2.

    Membership, with group 1 as the reference: log odds of group 2 are -0.9 + 0.7 parent_smokes, of group 3
    -1.6 + 1.2 parent_smokes. An answer is missing with probability 0.04.

    Returns
    -------
    DataFrame of 1680 rows: ``id``, ``age`` in years, ``smokes`` 0 or 1, ``parent_smokes`` 0 or 1, ``true_group``.

    Examples
    --------
    >>> from gbtm.datasets import smoking
    >>> smoking().groupby("true_group")["smokes"].mean().round(2).tolist()
    [0.03, 0.37, 0.66]
    """
    return _read("smoking")


def school() -> pd.DataFrame:
    """Conduct and days of absence of 240 pupils over six school years, simulated: three groups common to both outcomes.

    At s = year - 1, conduct is normal with sigma 1, absences are Poisson, and a pupil finishes with some probability:

    * group 1, 130 pupils: mean conduct 8, log rate of absences 0.5, finishes 0.9;
    * group 2, 70 pupils: mean conduct 6.5, log rate 0.8 + 0.25 s, finishes 0.7;
    * group 3, 40 pupils: mean conduct 6 - 0.5 s, log rate 1.2 + 0.15 s, finishes 0.3.

    Given the group, outcomes are independent of one another. A conduct mark, and a count of absences, is missing with
    probability 0.05 each.

    Returns
    -------
    DataFrame of 1440 rows: ``id``, ``year`` 1 to 6, ``conduct``, ``absences`` in days, ``finished`` 0 or 1 (the same
    in all rows of a pupil), ``true_group``.

    Examples
    --------
    >>> from gbtm.datasets import school
    >>> school().groupby("true_group")["finished"].mean().round(2).tolist()
    [0.92, 0.71, 0.28]
    """
    return _read("school")


def pathways() -> pd.DataFrame:
    """Aggression of 160 people at 6 to 10 and their offenses at 13 to 17, simulated: a dual model, two groups each.

    * Aggression, normal with sigma 1: mean 1 in group 1 (100 people); 3 + 0.2 (age - 8) in group 2 (60 people).
    * Offenses, Poisson, at b = year - 15: log rate -0.8 - 0.1 b^2 in group 1, 1 - 0.1 b^2 in group 2.
    * Group 2 of offenses has probability 0.2 after group 1 of aggression, 0.65 after its group 2.
    * Hours of work a week at 25, normal with sigma 6: mean 38, 2 less for group 2 of aggression, 8 less for group 2 of
      offenses.

    Returns
    -------
    DataFrame of 800 rows, in each a wave of childhood beside one of youth: ``id``, ``age`` 6 to 10, ``aggression``,
    ``year`` 13 to 17 (the age in youth), ``offenses``, ``hours`` (the same in all rows of a person), ``true_child``,
    ``true_youth``.

    Examples
    --------
    >>> from gbtm.datasets import pathways
    >>> people = pathways().drop_duplicates("id")
    >>> people.groupby("true_child")["true_youth"].apply(lambda group: (group == 2).mean()).round(2).tolist()
    [0.19, 0.7]
    """
    return _read("pathways")
