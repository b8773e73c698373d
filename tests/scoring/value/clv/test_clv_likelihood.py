"""Likelihoods against integrals over the customers' hidden rates; derivatives against differences."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import comb

from crmresearch.errors import RefusedError
from crmresearch.scoring.value.clv import MODELS, gammagamma
from crmresearch.scoring.value.clv.likelihood import Covariates, Part, evaluate, maximize

INTEGRATED = 1e-6  # relative
DIFFERENCED = 1e-6  # relative, of central differences with step 1e-5
HISTORIES = [(0, 0.0, 10.0), (1, 2.0, 10.0), (3, 9.5, 10.0), (6, 3.0, 10.0)]


def over(density_1, density_2, individual, upper_1, upper_2):
    """Integral over a rectangle by 200 x 200 Gauss-Legendre nodes; shapes of 2 and more keep the integrand smooth."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    u, v = (upper * (nodes + 1) / 2 for upper in (upper_1, upper_2))
    inside = individual(u[:, None], v[None, :]) * density_1(u)[:, None] * density_2(v)[None, :]
    return np.einsum("i,ij,j", weights, inside, weights) * upper_1 * upper_2 / 4


def likelihood(model, parameters, history):
    return float(
        np.exp(MODELS[model].log_likelihood(np.array(parameters), *(np.array([float(v)]) for v in history)))[0]
    )


@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("model", ["bgnbd", "mbgnbd"])
def test_beta_geometric_likelihood_is_the_integral(model, history):
    (x, t_x, T), (r, alpha, a, b) = history, (2.0, 3.0, 2.0, 3.0)
    entry = model == "mbgnbd"

    def individual(rate, p):
        stayed = (1 - p) ** (x + entry) * rate**x * np.exp(-rate * T)
        left = p * (1 - p) ** (x - 1 + entry) * rate**x * np.exp(-rate * t_x) if x + entry > 0 else 0.0
        return stayed + left

    value = over(stats.gamma(r, scale=1 / alpha).pdf, stats.beta(a, b).pdf, individual, 15, 1)
    assert likelihood(model, (r, alpha, a, b), history) == pytest.approx(value, rel=INTEGRATED)


@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("beta", [1.2, 7.0])
def test_paretonbd_likelihood_is_the_integral(history, beta):
    (x, t_x, T), (r, alpha, s) = history, (2.0, 3.0, 2.0)

    def individual(rate, leaving):
        total = rate + leaving
        still = rate ** (x + 1) / total * np.exp(-total * T)
        return still + leaving * rate**x / total * np.exp(-total * t_x)

    value = over(stats.gamma(r, scale=1 / alpha).pdf, stats.gamma(s, scale=1 / beta).pdf, individual, 15, 60 / beta)
    assert likelihood("paretonbd", (r, alpha, s, beta), history) == pytest.approx(value, rel=INTEGRATED)


@pytest.mark.parametrize("history", [(0, 0, 4), (1, 3, 4), (3, 4, 4), (2, 2, 5)])
def test_bgbb_likelihood_is_the_integral(history):
    (x, t_x, n), (alpha, beta, gamma, delta) = history, (2.0, 3.0, 2.0, 4.0)

    def individual(p, leaves):
        alive = p**x * (1 - p) ** (n - x) * (1 - leaves) ** n
        left = sum(p**x * (1 - p) ** (t_x - x + i) * leaves * (1 - leaves) ** (t_x + i) for i in range(n - t_x))
        return alive + left

    value = over(stats.beta(alpha, beta).pdf, stats.beta(gamma, delta).pdf, individual, 1, 1)
    assert likelihood("bgbb", (alpha, beta, gamma, delta), history) == pytest.approx(value, rel=INTEGRATED)


@pytest.mark.parametrize(("x", "z"), [(1, 12.0), (4, 30.0)])
def test_gammagamma_likelihood_is_the_integral(x, z):
    p, q, gamma = 4.0, 3.5, 20.0

    def individual(v):
        return stats.gamma(p * x, scale=1 / (v * x)).pdf(z) * stats.gamma(q, scale=1 / gamma).pdf(v)

    value, _ = integrate.quad(individual, 0, 3, epsrel=1e-10)
    mine = np.exp(gammagamma.log_likelihood(np.array([p, q, gamma]), np.array([float(x)]), np.array([z])))
    assert mine[0] == pytest.approx(value, rel=INTEGRATED)


@pytest.mark.parametrize("parameters", [(0.05, 0.01, 0.1, 30.0), (0.05, 30.0, 3.0, 0.01), (2.0, 1.0, 0.3, 1.0)])
@pytest.mark.parametrize("history", [(300, 5.0, 100.0), (40, 99.9, 100.0), (1, 0.01, 100.0), (0, 0.0, 500.0)])
def test_paretonbd_quadrature_holds_at_extremes(parameters, history):
    """The chance of leaving between t_x and T, against adaptive quadrature in small steps."""
    (x, t_x, T), (r, alpha, s, beta) = history, parameters
    logs, _ = MODELS["paretonbd"]._components(np.array(parameters), *(np.array([float(v)]) for v in history))
    top = -(r + x) * np.log(alpha + t_x) - (s + 1) * np.log(beta + t_x)

    def density(tau):
        return s * np.exp(-(r + x) * np.log(alpha + tau) - (s + 1) * np.log(beta + tau) - top)

    edges = t_x + np.concatenate([[0], np.geomspace(1e-8, 1, 60)]) * (T - t_x)
    value = sum(integrate.quad(density, *ends)[0] for ends in pairwise(edges))
    assert np.exp(np.logaddexp.reduce(logs[1:, 0]) - top) == pytest.approx(value, rel=1e-7)


def some_parts(model):
    if model == "gammagamma":
        x, z = np.array([1.0, 2.0, 7.0]), np.array([11.0, 30.0, 70.0])
        counts = np.array([3.0, 1.0, 2.0])
        return (
            Part(gammagamma._counting_terms, (x,), counts),
            Part(gammagamma._spending_terms, (x, z, np.log(z)), counts),
        ), 3
    rows = np.array([(0, 0, 6), (1, 2, 6), (3, 5, 6), (6, 6, 6), (2, 2, 5)], dtype=float)
    return MODELS[model].row_parts(*rows.T, np.array([5.0, 3.0, 2.0, 1.0, 4.0])), 4


MOVED = [(model, True) for model, m in MODELS.items() if m.covariate_loads]


@pytest.mark.parametrize(("model", "moved"), [*((m, False) for m in (*MODELS, "gammagamma")), *MOVED])
def test_derivatives_agree_with_differences(model, moved):
    parts, k = some_parts(model)
    covariates, theta = None, np.log([1.3, 2.1, 0.7, 1.9][:k])
    if moved:
        values = np.array([[0.5, 1.0], [-1.0, 0.0], [0.3, 1.0], [2.0, 0.0], [0.0, 1.0]])
        covariates = Covariates(values, MODELS[model].covariate_loads)
        theta = np.append(theta, np.linspace(-0.3, 0.4, covariates.n_coefficients))
    _, gradient, hessian = evaluate(theta, parts, k, covariates)
    steps = 1e-5 * np.eye(len(theta))
    above, below = ([evaluate(theta + sign * s, parts, k, covariates) for s in steps] for sign in (1, -1))
    slopes = [(u[0] - d[0]) / 2e-5 for u, d in zip(above, below, strict=True)]
    curvature = [(u[1] - d[1]) / 2e-5 for u, d in zip(above, below, strict=True)]
    assert gradient == pytest.approx(slopes, rel=DIFFERENCED, abs=1e-7)
    assert hessian == pytest.approx(np.array(curvature), rel=DIFFERENCED, abs=1e-7)


@pytest.mark.parametrize("model", MODELS)
def test_probabilities_sum_to_one_and_agree_with_expectation(model):
    parameters = np.array([0.9, 2.0, 0.8, 3.0])
    h = 6.0
    x = np.arange(7.0 if model == "bgbb" else 4000.0)
    p = MODELS[model].probability(parameters, x, np.full_like(x, h))
    assert p.min() >= 0
    assert p.sum() == pytest.approx(1, abs=1e-8)
    assert p @ x == pytest.approx(float(MODELS[model].expected_new(parameters, h)), rel=1e-6)


def test_bgbb_histories_have_total_probability_one():
    parameters, n = np.array([1.2, 0.75, 0.66, 2.8]), 5
    total = np.exp(MODELS["bgbb"].log_likelihood(parameters, np.zeros(1), np.zeros(1), np.array([5.0])))[0]
    for t_x in range(1, n + 1):
        for x in range(1, t_x + 1):
            history = (np.array([float(v)]) for v in (x, t_x, n))
            total += comb(t_x - 1, x - 1) * np.exp(MODELS["bgbb"].log_likelihood(parameters, *history))[0]
    assert total == pytest.approx(1, abs=1e-12)


def test_maximize_refuses_a_likelihood_without_maximum():
    def rising(parameters, x):
        return parameters[0] * x, x[None], np.zeros((1, 1, len(x)))

    with pytest.raises(RefusedError, match=r"no maximum|short of|not determined"):
        maximize((Part(rising, (np.ones(5),), np.ones(5)),), np.zeros(1), 1, model="rising")
