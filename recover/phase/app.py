"""From a file without phase to an object in a file; nothing is printed here."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from recover.certificates.certificate import Certificate
from recover.certificates.evidence import Evidence
from recover.core.errors import ParameterError
from recover.core.progress import Watch
from recover.frames.masked import unmasked
from recover.frames.ptychography import Ptychography
from recover.io.phase_read import PhaseFile, read_phase
from recover.io.phase_write import check_phase_output, write_object
from recover.phase.layout import alternation
from recover.phase.measurement import PhaseMeasurement, phase_measurement
from recover.phase.plan import asked_method
from recover.phase.ptychography import retrieve_scan
from recover.phase.result import PhaseResult
from recover.phase.retrieve import retrieve
from recover.solve.base import AnyMethod

__all__ = ["PhaseOptions", "PhaseReport", "measurement_in", "process_phase"]


@dataclass(frozen=True)
class PhaseOptions:
    """What the user chose.

    Parameters
    ----------
    setup : str or None
        An NPZ file with what the data file lacks: masks, support, distances, ...
    dark : str or None
        A file with what the detector counts without light.
    data : {"magnitude", "intensity"} or None
        What an array without a name holds; None takes intensities.
    method : str or None
        Name of a method.
    iterations : int or None
        Its steps; None takes its own number.
    noise : float
        Bound of the l2 norm of the magnitudes' noise.
    counts_per_unit : float
        Counts to one unit of intensity, if the noise is that of counting; 0 if not.
    restarts : int or None
        Starts that are compared.
    certify, force : bool
    seed : int
    """

    setup: str | None = None
    dark: str | None = None
    data: str | None = None
    method: str | None = None
    iterations: int | None = None
    noise: float = 0.0
    counts_per_unit: float = 0.0
    restarts: int | None = None
    certify: bool = True
    force: bool = False
    seed: int = 0


@dataclass(frozen=True, eq=False)
class PhaseReport:
    """What was done with one file.

    Parameters
    ----------
    input, output : str
        The files.
    measurement : PhaseMeasurement
        What the input was taken for.
    result : PhaseResult
        The recovery; its notes are those of the measurement too.
    options : PhaseOptions
        As chosen.
    seconds : float
        Wall-clock time, certificate included.
    """

    input: str
    output: str
    measurement: PhaseMeasurement
    result: PhaseResult
    options: PhaseOptions
    seconds: float

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know, in sentences."""
        return self.result.notes

    @property
    def promise(self) -> Certificate:
        """The certificate with the object in its evidence, however large, for a file beside."""
        promised = self.result.certificate
        evidence = promised.evidence
        if "signal_digest" not in evidence.values or "signal" in evidence.arrays:
            return promised
        signal = self.result.signal
        whole = signal.astype(np.complex128 if np.iscomplexobj(signal) else np.float64)
        arrays = {**evidence.arrays, "signal": whole}
        return replace(promised, evidence=replace(evidence, arrays=arrays))

    def _probe(self) -> dict[str, Any] | None:
        """Return the probe as plain data if it was recovered: the certificate rests on it."""
        if not self.measurement.refine_probe or self.result.probe is None:
            return None
        return Evidence("probe", {}, {"probe": self.result.probe}).to_json()

    def to_json(self) -> dict[str, Any]:
        """Return plain data for JSON, infinity as the string "inf"."""
        result, options = self.result, self.options
        return {
            "kind": "phase",
            "input": self.input,
            "output": self.output,
            "setup": self.measurement.setup,
            "setup_file": options.setup,
            "dark": options.dark,
            "data": options.data,
            "noise": options.noise,
            "counts_per_unit": options.counts_per_unit,
            "levels": [],
            "fraction_clipped": {"total": 0.0, "channels": []},
            "shape": list(result.signal.shape),
            "seconds": self.seconds,
            "status": result.status.name.lower(),
            "method": result.method,
            "residual": result.residual,
            "iterations": int(result.residuals.size),
            "starts": {
                "residuals": [float(each) for each in result.restarts.residuals],
                "agreeing": result.restarts.agreeing,
                "rivals": result.restarts.rivals,
            },
            "not_determined": list(result.trivial),
            "notes": list(self.notes),
            "probe": self._probe(),
            "certificate": result.certificate.to_data(),
        }


def process_phase(
    source: str | Path,
    output: str | Path,
    options: PhaseOptions | None = None,
    *,
    jobs: int = 1,
    watch: Watch | None = None,
) -> PhaseReport:
    """Recover an object from a file without phase into a file.

    Parameters
    ----------
    source, output : str or Path
        NPZ, NPY, TIFF, HDF5 or CXI in; NPZ (the whole result), NPY (complex), TIFF (amplitude
        and phase) or HDF5 out.
    options : PhaseOptions, optional
        What the user chose.
    jobs : int >= 1
        Accepted for the command line's sake: one measurement is worked on by one process.
    watch : callable, optional
        Called with a `Progress`; return True to stop.

    Raises
    ------
    FileError
        If a file cannot be read or written.
    ParameterError
        If the measurement does not hold together.
    """
    chosen = PhaseOptions() if options is None else options
    if jobs < 1:
        raise ParameterError(f"jobs must be >= 1, got {jobs}")
    check_phase_output(output, force=chosen.force)
    started = time.perf_counter()
    measured = measurement_in(source, setup=chosen.setup, dark=chosen.dark, data=chosen.data)
    found = _recovered(measured, chosen, watch)
    result = replace(found, notes=(*measured.notes, *found.notes, *alternation(found.signal)))
    seconds = time.perf_counter() - started
    if Path(output).suffix.lower() == ".npz":
        result.save(output, force=chosen.force)
    else:
        promise = json.dumps(result.certificate.to_data(), sort_keys=True)
        write_object(output, result.signal, result.residuals, promise, force=chosen.force)
    return PhaseReport(str(source), str(output), measured, result, chosen, seconds)


def _recovered(
    measured: PhaseMeasurement, chosen: PhaseOptions, watch: Watch | None
) -> PhaseResult:
    noise = measured.noise(chosen.noise, chosen.counts_per_unit)
    method: AnyMethod | None = None
    if chosen.method is not None:
        method = asked_method(chosen.method, max_iter=chosen.iterations)
    elif chosen.iterations is not None:
        raise ParameterError(
            f"iterations are of a method, got {chosen.iterations} and none; name the method too"
        )
    if isinstance(unmasked(measured.frame, None)[0], Ptychography):
        if chosen.restarts is not None:
            raise ParameterError(
                f"restarts does not apply to a scan, got {chosen.restarts}: it starts from its "
                "probe; leave it out, or give another seed"
            )
        return retrieve_scan(
            measured.magnitudes,
            measured.frame,
            domain=measured.domain,
            refine_probe=measured.refine_probe,
            method=method,
            noise=noise,
            certify=chosen.certify,
            rng=chosen.seed,
            watch=watch,
        )
    return retrieve(
        measured.magnitudes,
        measured.frame,
        domain=measured.domain,
        method=method,
        noise=noise,
        restarts=chosen.restarts,
        certify=chosen.certify,
        rng=chosen.seed,
        watch=watch,
    )


def measurement_in(
    source: str | Path, *, setup: str | None, dark: str | None, data: str | None
) -> PhaseMeasurement:
    """Return the measurement of a file, with what other files add to it.

    Raises
    ------
    FileError
        If a file cannot be read.
    ParameterError
        If data are missing or do not fit together; the message lists what is there.
    """
    file = read_phase(source)
    files = [file]
    arrays = dict(file.arrays)
    if data is not None and set(arrays) == {"intensity"}:
        arrays = {data: arrays["intensity"]}
    elif data is not None and data not in arrays:
        raise ParameterError(
            f"data says {data}, but {source} names its arrays: it holds {_held(file)}; leave "
            "the option out"
        )
    if not ({"magnitude", "intensity"} & set(arrays)):
        raise ParameterError(
            f"{source} must hold magnitude or intensity; it holds {_held(file)}"
        )
    if setup is not None:
        added = read_phase(setup)
        files.append(added)
        if set(added.arrays) == {"intensity"}:
            raise ParameterError(
                f"setup must name its arrays, {setup} holds one without a name; give an NPZ "
                "file, made with numpy.savez(name, support=...) or the like"
            )
        twice = sorted(set(added.arrays) & set(arrays))
        if twice:
            raise ParameterError(f"{setup} and {source} both hold {', '.join(twice)}")
        arrays |= added.arrays
    if dark is not None:
        arrays["dark"] = _single(read_phase(dark))
    measured = phase_measurement(arrays, str(source))
    left_out = [
        name for each in files if each.path.lower().endswith(".npz") for name in each.others
    ]
    if not left_out:  # HDF5 files hold much besides
        return measured
    note = f"arrays of no known name were left out: {', '.join(left_out)}"
    return replace(measured, notes=(*measured.notes, note))


def _single(file: PhaseFile) -> Any:
    for name in ("dark", "intensity"):
        if name in file.arrays:
            return file.arrays[name]
    raise ParameterError(f"{file.path} must hold a dark frame; it holds {_held(file)}")


def _held(file: PhaseFile) -> str:
    return ", ".join([*sorted(file.arrays), *file.others]) or "no arrays"
