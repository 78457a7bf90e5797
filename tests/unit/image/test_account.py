"""The certificate of a recovered image, its map, and its second proof from the image."""

import numpy as np
import pytest

import recover as rv
from recover.certificates.certificate import Certificate
from recover.image.account import account_of, verify_image
from recover.image.arguments import as_planes, side_of
from recover.image.budget import estimate_unit
from recover.image.model import default_settings


def scene(seed, shape=(40, 48), channels=3):
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    light = 0.25 + 0.05 * np.sin(rows / 7.0) + 0.01 * rng.standard_normal(shape)
    for _ in range(6):
        y, x = rng.uniform(6, shape[0] - 6), rng.uniform(6, shape[1] - 6)
        width = rng.uniform(2.0, 4.0)
        light += rng.uniform(0.5, 1.2) * np.exp(
            -((rows - y) ** 2 + (columns - x) ** 2) / (2.0 * width**2)
        )
    gains = np.array([1.0, 0.45, 0.7])[:channels]
    return (light[..., None] * gains).astype(np.float32)


@pytest.mark.parametrize("seed", range(3))
def test_a_colour_image_is_certified_and_proved_again(seed):
    truth = scene(seed)
    clipped = np.minimum(truth, np.float32(0.6))
    result = rv.image.declip(clipped, high=0.6, channel_axis=-1)
    certificate = result.certificate
    assert np.isfinite(certificate.error_bound)
    assert np.linalg.norm(result.image - truth) <= certificate.error_bound
    assert certificate.scope.kind == "conditional"
    assert any("clipping the picture again" in each for each in certificate.assumptions)
    assert result.trust_map.shape == truth.shape
    assert (result.trust_map[~result.recovered] == 0.0).all()
    covered = np.abs(result.image - truth) <= result.trust_map + 1e-6
    assert covered.mean() > 0.999
    again = Certificate.from_json(certificate.to_json())
    verdict = verify_image(again, clipped, high=0.6, channel_axis=-1)
    assert verdict.reasons == ()
    assert not verify_image(again, clipped, high=0.61, channel_axis=-1).accepted
    other = np.minimum(scene(seed + 10), np.float32(0.6))
    assert not verify_image(again, other, high=0.6, channel_axis=-1).accepted


def test_a_mask_for_all_channels_proves_what_it_recovered():
    clipped = np.minimum(scene(0), np.float32(0.4))
    mask = (clipped >= 0.4).any(axis=-1)
    result = rv.image.declip(clipped, channel_axis=-1, high=0.4, mask=mask)
    verdict = rv.image.verify_image(
        result.certificate, clipped, high=0.4, channel_axis=-1, mask=mask
    )
    whole = rv.image.verify_image(
        result.certificate, clipped, high=0.4, channel_axis=-1,
        mask=np.repeat(mask[..., None], 3, axis=-1),
    )  # fmt: skip
    assert verdict.reasons == whole.reasons == ()


def test_a_forged_budget_is_refused():
    truth = scene(1)
    clipped = np.minimum(truth, np.float32(0.6))
    certificate = rv.image.declip(clipped, high=0.6, channel_axis=-1).certificate
    data = certificate.to_data()
    data["scope"]["unit"] = 0.01 * data["scope"]["unit"]
    verdict = verify_image(Certificate.from_data(data), clipped, high=0.6, channel_axis=-1)
    assert any("assumptions" in reason for reason in verdict.reasons)
    assert any("below what clipping the picture again gives" in r for r in verdict.reasons)


def test_a_given_unit_is_said_to_be_given():
    planes = as_planes(np.minimum(scene(2), np.float32(0.6)), -1)
    side = side_of("high", planes, 0.6, None, tolerance=0.0, channel_axis=-1)
    settings = default_settings(3)
    small, large = (
        account_of(planes, planes, (None, side), settings, unit=unit) for unit in (1e-4, 1e-2)
    )
    assert small.certificate.error_bound < large.certificate.error_bound
    assert any("given by the user" in each for each in small.certificate.assumptions)


def test_a_grey_image_is_certified_too():
    rows, columns = np.mgrid[:60, :80]
    truth = 0.5 + 0.3 * np.sin(rows / 13.0) * np.cos(columns / 17.0)
    truth += 0.01 * np.random.default_rng(0).standard_normal(truth.shape)
    level = float(np.percentile(truth, 85))
    result = rv.image.declip(np.minimum(truth, level), high=level)
    assert np.linalg.norm(result.image - truth) <= result.certificate.error_bound < np.inf
    again = verify_image(result.certificate, np.minimum(truth, level), high=level)
    assert again.reasons == ()


def test_what_cannot_be_promised_is_said():
    planes = as_planes(np.minimum(scene(2), np.float32(0.6)), -1)
    side = side_of("high", planes, 0.6, None, tolerance=0.0, channel_axis=-1)
    settings = default_settings(3)
    few = account_of(planes, planes, (None, side), settings, largest=10)
    assert few.certificate.error_bound == np.inf
    assert "too large to prove" in few.note
    flat = np.where(planes >= 0.6, planes, np.float32(0.1))
    alone = account_of(flat, flat, (None, side), settings)
    assert alone.certificate.error_bound == np.inf
    assert "too few bright tones" in alone.note
    silent = account_of(planes, planes, (None, side), settings, asked=False)
    assert silent.certificate.reason == "not asked"
    assert estimate_unit(flat, side.clipped, settings).known == 0


def test_point_sources_are_not_certified_from_an_estimate():
    rng = np.random.default_rng(1)
    rows, columns = np.mgrid[:160, :160]
    truth = np.full((160, 160), 0.05)
    for _ in range(200):
        y, x = rng.uniform(3, 157, 2)
        square = (rows - y) ** 2 + (columns - x) ** 2
        truth += 0.1 * np.exp(rng.exponential(1.5)) * (1.0 + square / 4.0) ** -3
    level = float(np.percentile(truth, 98))
    result = rv.image.declip(np.minimum(truth, level), high=level)
    assert result.certificate.error_bound == np.inf
    assert any("point sources" in note for note in result.notes)


def low_scene(seed, level=0.5):
    """A picture whose shadows are cut off."""
    truth = np.float32(1.3) - scene(seed)
    return truth, np.maximum(truth, np.float32(level))


@pytest.mark.parametrize("seed", range(3))
def test_what_is_clipped_from_below_is_certified_too(seed):
    truth, clipped = low_scene(seed)
    result = rv.image.declip(clipped, low=0.5, channel_axis=-1)
    certificate = result.certificate
    assert result.count > 100
    assert np.linalg.norm(result.image - truth) <= certificate.error_bound < np.inf
    covered = np.abs(result.image - truth) <= result.trust_map + 1e-6
    assert covered.mean() > 0.99
    again = Certificate.from_json(certificate.to_json())
    assert verify_image(again, clipped, low=0.5, high=None, channel_axis=-1).reasons == ()
    assert not verify_image(again, clipped, low=0.52, high=None, channel_axis=-1).accepted


def test_both_sides_have_a_unit_of_their_own():
    truth, _ = low_scene(4)
    clipped = np.clip(truth, np.float32(0.5), np.float32(1.0))
    result = rv.image.declip(clipped, low=0.5, high=1.0, channel_axis=-1)
    certificate = result.certificate
    stated = certificate.scope.to_json()
    assert stated["below"] > 0.0
    assert stated["unit"] != stated["below"]
    assert np.linalg.norm(result.image - truth) <= certificate.error_bound < np.inf
    again = Certificate.from_json(certificate.to_json())
    ends = {"low": 0.5, "high": 1.0, "channel_axis": -1}
    assert verify_image(again, clipped, **ends).reasons == ()
    data = again.to_data()
    data["scope"]["below"] = 0.01 * stated["below"]
    assert not verify_image(Certificate.from_data(data), clipped, **ends).accepted


def test_a_method_beside_the_model_gets_no_bound():
    clipped = np.minimum(scene(1), np.float32(0.6))
    result = rv.image.declip(clipped, high=0.6, channel_axis=-1, method="opposed")
    assert result.certificate.error_bound == np.inf
    assert any("beside the model" in note for note in result.notes)
    modelled = rv.image.declip(clipped, high=0.6, channel_axis=-1, method="MultigridObstacle")
    assert modelled.certificate.error_bound < np.inf
