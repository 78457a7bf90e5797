"""What a phase retrieval gives back, saved and loaded without pickled objects."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from recover.certificates.certificate import Certificate
from recover.core.arrays import Array, frozen
from recover.core.display import Facts, Shown, draw_signal
from recover.io.errors import FileError
from recover.io.results import load_result, save_result
from recover.solve.base import Status

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PhaseResult", "Restarts"]

FORMAT = "recover-phase-1"


@dataclass(frozen=True, eq=False, repr=False)
class Restarts:
    """The starts that were tried.

    Parameters
    ----------
    residuals : array [shape=(starts,)]
        Misfit of the magnitudes of each, relative to the data.
    distances : array [shape=(starts, starts)]
        Relative distance of each two after alignment: up to all that is trivial.
    agreeing : int
        Starts that explain the data about as well as the best and lie near it, itself included.
    rivals : int
        Starts that explain the data about as well as the best and are something else.
    """

    residuals: Array
    distances: Array
    agreeing: int
    rivals: int

    def __repr__(self) -> str:
        return (
            f"Restarts({self.residuals.size} starts, {self.agreeing} agreeing, "
            f"{self.rivals} rivals)"
        )


@dataclass(frozen=True, eq=False, repr=False)
class PhaseResult(Shown):
    """A signal recovered from magnitudes.

    Parameters
    ----------
    signal : array [shape=frame.signal_shape]
        The recovered signal, in the precision of the data.
    certificate : Certificate
        What is promised about it, up to what is trivial.
    status : Status
        How the work ended.
    residuals : array [shape=(iterations,)]
        Misfit after each step, relative to the data; stages one after another.
    restarts : Restarts
        The starts, and whether they agree.
    trivial : tuple of str
        What the data cannot determine.
    notes : tuple of str
        What the user should know of the data or the outcome.
    method : str
        Names of the methods that ran.
    magnitudes, fitted : array [shape=frame.coef_shape]
        The data and the magnitudes of the recovered signal.
    sensitivity : array [shape=frame.signal_shape] or None
        Standard deviation of each entry for unit noise in each magnitude, to first order;
        large where the data hardly determine the object. None if nothing was to be certified,
        or for large objects: `recover.phase.sensitivity` makes one.
    sensitivity_exact : bool
        Whether it is exact; else it is a stochastic estimate.
    support : array of bool [shape=frame.signal_shape] or None
        Where the object was taken to lie, if that was restricted.
    probe : array or None
        The illumination of a ptychographic scan, as given or as recovered.
    illumination : array [shape=frame.signal_shape] or None
        The energy that a scan brings to each sample: its coverage.
    """

    signal: Array
    certificate: Certificate
    status: Status
    residuals: Array
    restarts: Restarts
    trivial: tuple[str, ...]
    notes: tuple[str, ...]
    method: str
    magnitudes: Array
    fitted: Array
    sensitivity: Array | None = None
    sensitivity_exact: bool = False
    support: Array | None = None
    probe: Array | None = None
    illumination: Array | None = None

    def __repr__(self) -> str:
        return (
            f"PhaseResult(signal {self.signal.shape} {self.signal.dtype}, by {self.method}, "
            f"{self.status.name}, residual {self.residual:.2e}, {self.certificate!r})"
        )

    def facts(self) -> Facts:
        """Return what was recovered, and how well it explains the data."""
        return [
            ("signal", f"{self.signal.shape} {self.signal.dtype}"),
            ("method", self.method),
            ("status", self.status.value),
            ("misfit of the magnitudes", f"{self.residual:.2e}"),
            *(("not determined", each) for each in self.trivial),
        ]

    def shown_below(self) -> tuple[Certificate]:
        """Return the certificate."""
        return (self.certificate,)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the object with matplotlib: the phase of a complex one, else its values."""
        return draw_signal(self.signal, ax, "object")

    @property
    def residual(self) -> float:
        """Misfit of the magnitudes of the signal, relative to the data."""
        return float(self.restarts.residuals.min())

    @property
    def error_bound(self) -> float:
        """The certificate's bound on the l2 error up to what is trivial; infinite if none."""
        return self.certificate.error_bound

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write everything to an NPZ file, whole or not at all."""
        meta = {
            "format": FORMAT,
            "status": self.status.name,
            "agreeing": self.restarts.agreeing,
            "rivals": self.restarts.rivals,
            "trivial": list(self.trivial),
            "notes": list(self.notes),
            "method": self.method,
            "sensitivity_exact": self.sensitivity_exact,
            "certificate": self.certificate.to_data(),
        }
        arrays = {
            "signal": self.signal,
            "residuals": self.residuals,
            "restart_residuals": self.restarts.residuals,
            "restart_distances": self.restarts.distances,
            "magnitudes": self.magnitudes,
            "fitted": self.fitted,
        }
        optional = {
            "sensitivity": self.sensitivity,
            "support": self.support,
            "probe": self.probe,
            "illumination": self.illumination,
        }
        arrays |= {name: array for name, array in optional.items() if array is not None}
        save_result(path, meta, arrays, force=force)

    @staticmethod
    def load(path: str | Path) -> PhaseResult:
        """Read what `save` wrote; raises `FileError` if it is something else."""
        meta, loaded = load_result(path, FORMAT)
        arrays = {name: frozen(array) for name, array in loaded.items()}
        try:
            return PhaseResult(
                signal=arrays["signal"],
                certificate=Certificate.from_data(meta["certificate"]),
                status=Status[meta["status"]],
                residuals=arrays["residuals"],
                restarts=Restarts(
                    arrays["restart_residuals"],
                    arrays["restart_distances"],
                    int(meta["agreeing"]),
                    int(meta["rivals"]),
                ),
                trivial=tuple(str(each) for each in meta["trivial"]),
                notes=tuple(str(each) for each in meta["notes"]),
                method=str(meta["method"]),
                magnitudes=arrays["magnitudes"],
                fitted=arrays["fitted"],
                sensitivity=arrays.get("sensitivity"),
                sensitivity_exact=bool(meta["sensitivity_exact"]),
                support=arrays.get("support"),
                probe=arrays.get("probe"),
                illumination=arrays.get("illumination"),
            )
        except (KeyError, TypeError, ValueError):
            raise FileError(f"{path} is not a saved phase retrieval") from None
