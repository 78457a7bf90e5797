"""Phase-only holograms: what they make of the light, freedom, levels, refusals."""

import math

import numpy as np
import pytest

from recover.core.errors import OutOfScopeError, ParameterError
from recover.phase import hologram
from recover.solve import Status, WeightedGerchbergSaxton

SIZE = 48


def light():
    i, j = np.mgrid[:SIZE, :SIZE] - SIZE / 2
    return np.exp(-(i**2 + j**2) / 16.0**2)


def spots():
    target = np.zeros((SIZE, SIZE))
    target[10:40:10, 12:36:8] = 1.0
    return target


def picture():
    target = np.zeros((SIZE, SIZE))
    i, j = np.mgrid[:16, :20]
    target[12:28, 16:36] = 1.0 + 0.5 * np.sin(i / 3.0) * np.cos(j / 4.0)
    return target


def textbook(target, amplitude, phase, steps):
    """Gerchberg and Saxton's algorithm from its definition."""
    near = amplitude * np.exp(1j * phase)
    wanted = np.fft.ifftshift(target)
    for _ in range(steps):
        far = np.fft.fft2(near)
        near = np.fft.ifft2(wanted * np.exp(1j * np.angle(far)))
        near = amplitude * np.exp(1j * np.angle(near))
    return np.mod(np.angle(near), 2.0 * math.pi)


@pytest.mark.parametrize("target", [spots(), picture()], ids=["spots", "picture"])
def test_without_weights_it_is_the_textbook_algorithm(target):
    phase = np.random.default_rng(0).random((SIZE, SIZE)) * 2.0 * math.pi
    method = WeightedGerchbergSaxton(max_iter=5)
    found = hologram(target, light(), start=phase, method=method)
    expected = textbook(target, light(), phase, 5)
    lit = light() > 1e-3
    np.testing.assert_allclose(
        np.exp(1j * found.phase[lit]), np.exp(1j * expected[lit]), atol=1e-6
    )
    assert (np.diff(found.residuals) <= 1e-12).all()  # the misfit never grows


def test_the_figures_are_those_of_the_mask():
    found = hologram(picture(), light())
    far = np.fft.fftshift(np.fft.fft2(light() * np.exp(1j * found.phase)))
    power = np.abs(far) ** 2
    lit = picture() > 0.0
    assert found.efficiency == pytest.approx(power[lit].sum() / power.sum(), rel=1e-9)
    share = power[lit] / picture()[lit] ** 2
    even = 1.0 - (share.max() - share.min()) / (share.max() + share.min())
    assert found.uniformity == pytest.approx(even, abs=1e-9)
    goal = picture()[lit] / np.linalg.norm(picture())
    gap = np.linalg.norm(np.sqrt(power[lit] / power[lit].sum()) - goal)
    assert found.rmse == pytest.approx(gap, abs=1e-9)
    assert found.status is Status.COMPLETED


def test_weights_even_out_spots_and_held_phases_make_them_equal():
    plain = hologram(spots(), light(), method=WeightedGerchbergSaxton(max_iter=60))
    held = hologram(spots(), light(), iterations=60)
    assert held.uniformity > 0.999
    assert held.uniformity > plain.uniformity
    assert held.efficiency > 0.85 * plain.efficiency


def test_weights_and_momentum_lower_the_misfit_of_a_picture():
    plain = hologram(picture(), light(), method=WeightedGerchbergSaxton())
    weighted = hologram(picture(), light())
    moving = hologram(picture(), light(), method=WeightedGerchbergSaxton(momentum=0.9))
    assert weighted.rmse < 0.6 * plain.rmse
    assert moving.rmse < plain.rmse


def test_freedom_around_the_picture_buys_quality_for_light():
    region = np.zeros((SIZE, SIZE), dtype=bool)
    region[8:40, 8:40] = True
    bound = hologram(picture(), light(), method=WeightedGerchbergSaxton())
    method = WeightedGerchbergSaxton(share=0.6)
    free = hologram(picture(), light(), region=region, method=method)
    assert free.rmse < 0.6 * bound.rmse
    assert free.efficiency < bound.efficiency
    blank = np.where(region, picture(), np.nan)
    again = hologram(blank, light(), method=method)
    assert np.array_equal(again.phase, free.phase)


def test_levels_of_a_modulator():
    found = hologram(spots(), light(), phase_levels=256)
    steps = found.phase * 256.0 / (2.0 * math.pi)
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-9)
    assert found.levels().dtype == np.uint8
    np.testing.assert_array_equal(found.levels(), np.rint(steps).astype(int) % 256)
    coarse = hologram(spots(), light(), phase_levels=4)
    assert coarse.efficiency < found.efficiency


def test_a_smaller_modulator_is_padded_and_single_precision_stays():
    found = hologram(spots().astype(np.float32), np.ones((32, 32), dtype=np.float32))
    assert found.phase.shape == (SIZE, SIZE)
    assert found.phase.dtype == np.float32
    assert np.sum(np.abs(found.far) ** 2) == pytest.approx(32 * 32, rel=1e-4)


def test_is_repeatable_and_can_be_stopped():
    one, two = hologram(spots(), light(), rng=3), hologram(spots(), light(), rng=3)
    assert np.array_equal(one.phase, two.phase)
    short = hologram(spots(), light(), watch=lambda progress: progress.step == 4)
    assert short.status is Status.STOPPED
    assert short.residuals.size == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": -spots()}, "target must be finite and >= 0"),
        ({"target": 0.0 * spots()}, "lit pixel"),
        ({"target": spots() * 1j}, "real amplitudes"),
        ({"illumination": np.ones((60, 60))}, "fit into"),
        ({"illumination": 0.0 * light()}, "illumination"),
        ({"illumination": -light()}, "illumination"),
        ({"region": np.ones((3, 3), dtype=bool)}, "region"),
        ({"region": np.zeros((SIZE, SIZE), dtype=bool)}, "lit pixel"),
        ({"phase_levels": 1}, "phase_levels"),
        ({"iterations": 0}, "iterations"),
        ({"start": np.ones(4)}, "start"),
    ],
)
def test_bad_input(change, message):
    arguments = {"target": spots(), "illumination": light(), **change}
    with pytest.raises(ParameterError, match=message):
        hologram(arguments.pop("target"), arguments.pop("illumination"), **arguments)


def test_other_methods_do_not_design_holograms():
    with pytest.raises(OutOfScopeError, match="WeightedGerchbergSaxton"):
        hologram(spots(), light(), method="AlternatingProjections")


def test_a_start_that_leaves_the_target_dark_is_no_dead_end():
    target = np.zeros((16, 16))
    target[3:6, 3:6] = 1.0
    found = hologram(target, np.ones((16, 16)), start=np.zeros((16, 16)))
    assert found.efficiency > 0.5
    assert np.isfinite(found.phase).all()


def test_more_levels_than_sixteen_bits_do_not_wrap_round():
    found = hologram(np.ones((8, 8)), np.ones((8, 8)), phase_levels=2**17, iterations=3)
    assert found.levels(2**17).dtype == np.uint32
    np.testing.assert_allclose(
        found.levels(2**17) * (2.0 * math.pi / 2**17), found.phase, atol=1e-6
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"phase_levels": 2.5}, "phase_levels must be a whole number >= 2, got 2.5"),
        ({"iterations": 2.5}, "iterations must be a whole number >= 1, got 2.5"),
    ],
)
def test_levels_and_steps_are_whole_numbers(options, words):
    with pytest.raises(ParameterError, match=words):
        hologram(np.ones((4, 4)), np.ones((4, 4)), **options)
