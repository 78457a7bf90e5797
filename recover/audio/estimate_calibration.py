"""The calibration of the error estimates: coefficients, margin, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass

from recover.audio.estimate_features import Features

__all__ = ["CALIBRATION", "Calibration"]


@dataclass(frozen=True)
class Calibration:
    """A linear prediction in dB with a one-sided margin.

    Parameters
    ----------
    coefficients : tuple of float
        Of `Features.row`: constant, disagreement, reclipping, flatness, gap, fraction, kappa,
        window, density, spread, product.
    margin : float
        In dB: the 97.5 % quantile of true less predicted error, each recording counting alike,
        every residual from coefficients fitted without its recording.  95 % are meant; at lower
        quantiles the worst recording was covered to less than 80 %, so the quantile was raised
        after seeing that, on the same recordings.
    files, segments : int
        Recordings, and segments of them, that it was fitted to.
    coverage, worst_coverage : float
        Mean and smallest share, over the recordings, of segments whose true error was at most
        prediction plus margin, both made without that recording; optimistic, since
        quantile and predictors were chosen on these recordings.
    rmse : float
        In dB, of the predictions made without their recording.
    """

    coefficients: tuple[float, ...]
    margin: float
    files: int
    segments: int
    coverage: float
    worst_coverage: float
    rmse: float

    def expected(self, features: Features) -> float:
        """Return the predicted error energy in dB relative to the level's."""
        return float(features.row() @ self.coefficients)

    def upper(self, features: Features) -> float:
        """Return the upper estimate, with the margin."""
        return self.expected(features) + self.margin

    @property
    def sentence(self) -> str:
        """What the estimate is worth, in words."""
        return (
            f"meant to hold for 95 % of segments, calibrated on {self.files} recordings with "
            "quality auto (the quality fast covers less where more than half is lost); with "
            f"each left out in turn the upper error covered "
            f"{100.0 * self.coverage:.0f} % of its segments on average, "
            f"{100.0 * self.worst_coverage:.0f} % in the worst recording, and the prediction "
            f"was {self.rmse:.1f} dB off (root mean square); margin and predictors were chosen "
            "on the same recordings, so these shares are optimistic"
        )


# Fitted to two seconds each of recordings of music, speech and percussion at 44.1 and 48 kHz
# (one at 8 kHz), clipped symmetrically so that the input SDR was 15, 10, 5 and 3 dB, recovered
# with quality "auto"; recordings, licences and coverage of each:
# data/golden/audio_calibration.json, written by tests/bench/bench_audio_estimates.py.
CALIBRATION = Calibration(
    coefficients=(
        5.2093,
        0.3067,
        0.1421,
        0.2041,
        4.5845,
        0.9738,
        0.0977,
        -3.1732,
        3.9441,
        0.1906,
        -0.0484,
    ),
    margin=8.94,
    files=33,
    segments=4121,
    coverage=0.973,
    worst_coverage=0.824,
    rmse=3.97,
)
