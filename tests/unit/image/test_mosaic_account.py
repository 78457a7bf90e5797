"""The certificate of a recovered mosaic, and its second proof from the mosaic."""

import numpy as np
import pytest

import recover as rv
from recover.certificates.certificate import Certificate
from recover.image.raw import verify_raw

BALANCE = [2.0, 1.0, 1.6]
LEVELS = [900.0, 910.0, 890.0]


def mosaic(seed, side=48, noise=2.0):
    """Smooth lamps on a colour filter, in sensor units with a black level."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    light = 0.2 + 0.04 * np.sin(rows / 6.0)
    for _ in range(5):
        y, x, width = *rng.uniform(6, side - 6, 2), rng.uniform(2.5, 5.0)
        square = (rows - y) ** 2 + (columns - x) ** 2
        light = light + rng.uniform(0.6, 1.4) * np.exp(-square / (2.0 * width**2))
    gains = np.array([[0.55, 1.0], [1.0, 0.7]])
    truth = 64.0 + 900.0 * light * np.tile(gains, (side // 2, side // 2))
    truth = (truth + noise * rng.standard_normal(truth.shape)).astype(np.float32)
    tops = np.tile(
        np.array([[900.0, 910.0], [910.0, 890.0]], np.float32), (side // 2, side // 2)
    )
    return truth, np.minimum(truth, tops)


def recovered(clipped, **options):
    return rv.image.declip_raw(
        clipped, "RGGB", levels=LEVELS, black=64.0, white_balance=BALANCE, **options
    )


def proved(certificate, clipped, levels=LEVELS):
    return verify_raw(
        certificate, clipped, "RGGB", levels=levels, black=64.0, white_balance=BALANCE
    )


@pytest.mark.parametrize("seed", range(3))
def test_a_mosaic_is_certified_and_proved_again(seed):
    truth, clipped = mosaic(seed)
    result = recovered(clipped)
    certificate = result.certificate
    assert result.count > 20
    assert np.linalg.norm(result.image - truth) <= certificate.error_bound < np.inf
    assert certificate.scope.kind == "conditional"
    assert result.trust_map.shape == truth.shape
    assert (result.trust_map[~result.recovered] == 0.0).all()
    covered = np.abs(result.image - truth)[result.recovered]
    assert (covered <= result.trust_map[result.recovered]).mean() > 0.97
    again = Certificate.from_json(certificate.to_json())
    assert proved(again, clipped).reasons == ()
    assert not proved(again, clipped, levels=880.0).accepted
    other = mosaic(seed + 10)[1]
    assert not proved(again, other).accepted


def test_forgeries_of_a_mosaics_certificate_are_refused():
    _, clipped = mosaic(1)
    certificate = recovered(clipped).certificate
    data = certificate.to_data()

    def refused(change):
        forged = Certificate.from_json(certificate.to_json()).to_data()
        change(forged)
        verdict = proved(Certificate.from_data(forged), clipped)
        assert not verdict.accepted
        return " ".join(verdict.reasons)

    assert "the bound" in refused(lambda d: d.update(error_bound=0.9 * data["error_bound"]))
    unit = data["scope"]["unit"]
    assert "clipping the mosaic again" in refused(lambda d: d["scope"].update(unit=0.5 * unit))
    assert "rules" in refused(lambda d: d["scope"].update(whole=[1.0, 2.0, 0.0]))


def test_what_cannot_be_promised_of_a_mosaic_is_said():
    _, clipped = mosaic(2)
    silent = recovered(clipped, certify=False)
    assert silent.certificate.reason == "not asked"
    assert silent.trust_map is None
    flat = np.where(clipped >= 880.0, clipped, np.float32(100.0))
    alone = recovered(flat)
    assert alone.certificate.error_bound == np.inf
    assert any("too few bright tones" in note for note in alone.notes)
    assert proved(alone.certificate, flat).reasons == ()
    forged = alone.certificate.to_data()
    forged["error_bound"] = 1.0
    assert not proved(Certificate.from_data(forged), flat).accepted
    dark = np.minimum(clipped, np.float32(500.0))
    nothing = recovered(dark)
    assert nothing.count == 0
    assert nothing.certificate.error_bound == 0.0
    assert proved(nothing.certificate, dark).reasons == ()
