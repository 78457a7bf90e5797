"""The certificate of a phase retrieval, proved again from its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recover.certificates.certificate import Certificate
from recover.certificates.evidence import Evidence
from recover.certificates.verify import verify
from recover.core.arrays import Array
from recover.core.errors import ParameterError
from recover.io.namesake import namesake
from recover.io.phase_read import read_phase
from recover.models.problem import Problem
from recover.phase.app import measurement_in
from recover.phase.ptychography import problem_with_probe
from recover.phase.result import PhaseResult

__all__ = ["phase_faults"]

_LONGEST = 1000  # letters of a file's name


def phase_faults(
    source: str, data: Mapping[str, Any], promise: Certificate, folders: Sequence[Path]
) -> tuple[str, ...]:
    """Return what could not be proved again of the certificate of a phase retrieval.

    Parameters
    ----------
    source : str
        The measurement.
    data : mapping
        What ``recover phase --json`` wrote.
    promise : Certificate
    folders : sequence of Path
        Where the other files that the account names are looked for if they are not where it
        says: beside the account and the measurement, as they were moved together.

    Raises
    ------
    FileError
        If a file cannot be read.
    ParameterError
        If a file is missing, or the measurement does not hold together.
    """
    setup, dark = (
        _located(data[key], folders) if data[key] is not None else None
        for key in ("setup_file", "dark")
    )
    measured = measurement_in(source, setup=setup, dark=dark, data=data["data"])
    noise, counts = float(data["noise"]), float(data.get("counts_per_unit", 0.0))
    problem: Problem = measured.problem(noise, counts)
    if measured.refine_probe and data.get("probe") is not None:
        probe = Evidence.from_json(data["probe"]).arrays["probe"]
        problem = problem_with_probe(
            measured.magnitudes,
            measured.frame,
            measured.domain,
            measured.noise(noise, counts),
            probe,
        )
    signal = None
    evidence = promise.evidence
    if "signal_digest" in evidence.values and "signal" not in evidence.arrays:
        signal = _object_in(_located(str(data["output"]), folders))
    return verify(promise, problem, signal).reasons


def _object_in(path: str) -> Array:
    """Return the recovered object, of which the evidence holds the digest only."""
    ending = Path(path).suffix.lower()
    if ending == ".npz":
        return PhaseResult.load(path).signal
    if ending != ".npy":
        raise ParameterError(
            f"the certificate names the object by its digest, and {path} does not hold it to "
            "the last bit; recover into NPZ or NPY, or let --json write a file"
        )
    return read_phase(path).arrays["intensity"]


def _located(name: str, folders: Sequence[Path]) -> str:
    if len(name) > _LONGEST:
        raise ParameterError(f"the certificate names a file of {len(name)} letters")
    found = namesake(name, folders)
    if found is None:
        raise ParameterError(
            f"{name} does not exist, nor is {Path(name).name} beside the certificate or the "
            "input; put it there"
        )
    return found
