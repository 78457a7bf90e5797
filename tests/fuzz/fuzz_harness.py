"""Feeds hostile files to child processes and collects what went wrong.

As a program, it searches longer and prints each fault once:
``python tests/fuzz/fuzz_harness.py --count 20000 --seed 1 [--only wav,png] [--keep FOLDER]``.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fuzz_corpus import Kind, corpus
from fuzz_mutators import mutated

ROOT = Path(__file__).parents[2]
OURS = ("Traceback", "Exception ignored")  # C libraries have their say on standard error
WORKER = Path(__file__).with_name("fuzz_worker.py")


@dataclass(frozen=True)
class Case:
    """One hostile file, and the reader that is to read it."""

    label: str
    reader: str
    ending: str
    data: bytes


@dataclass(frozen=True)
class Finding:
    """What went wrong with a case."""

    case: Case
    fault: str


@dataclass
class Tally:
    """How a run went."""

    read: int = 0
    read_valid: int = 0
    refused: int = 0
    slowest: tuple[float, str] = (0.0, "")

    @property
    def total(self) -> int:
        return self.read + self.refused


class Worker:
    """A child that reads files; started again when it dies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._errors = (folder / "stderr.txt").open("w+b")
        self._child = self._started()

    def _started(self) -> subprocess.Popen[str]:
        sandbox = self._folder / "sandbox"
        sandbox.mkdir(exist_ok=True)
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        child = subprocess.Popen(
            [sys.executable, str(WORKER)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
            text=True, cwd=sandbox,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(sandbox), **threads},
        )  # fmt: skip
        assert child.stdout is not None
        assert child.stdout.readline() == '"ready"\n', "the worker did not start"
        self._errors.seek(0)
        self._errors.truncate()
        return child

    def judge(self, case: Case, path: Path, tally: Tally) -> str | None:
        """Return the fault of one case, None if it was read or refused as it should be."""
        child = self._child
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(f"{case.reader}\t{path}\n")
        child.stdin.flush()
        line = child.stdout.readline()
        if not line:
            status = child.wait()
            with suppress(BrokenPipeError):
                child.stdin.close()
            child.stdout.close()
            self._child = self._started()
            name = signal.Signals(-status).name if status < 0 else f"status {status}"
            return "hang" if name in {"SIGALRM", "SIGPROF"} else f"crash: {name}"
        answer = json.loads(line)
        tally.slowest = max(tally.slowest, (answer["seconds"], case.label))
        tally.read += answer["outcome"] == "read"
        tally.read_valid += answer["outcome"] == "read" and ": valid " in case.label
        tally.refused += answer["outcome"] == "refused"
        fault: str | None = answer["fault"]
        if fault is None:
            said = self._said()
            fault = (
                f"printed: {said[-1]}" if any(line.startswith(OURS) for line in said) else None
            )
        return fault

    def _said(self) -> list[str]:
        """Return what stands on standard error, and forget it."""
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").splitlines()
        if lines:
            self._errors.seek(0)
            self._errors.truncate()
        return lines

    def strays(self) -> list[str]:
        """Return what was written to where the child works."""
        return sorted(p.name for p in (self._folder / "sandbox").iterdir())

    def close(self) -> None:
        """End the child."""
        assert self._child.stdin is not None
        self._child.stdin.close()
        self._child.wait()
        assert self._child.stdout is not None
        self._child.stdout.close()
        self._errors.close()


def cases(kinds: Iterable[Kind], count: int, seed: int) -> Iterator[Case]:
    """Yield `count` cases of every kind: all that were thought of, then blind mutants."""
    listed = list(kinds)
    everything = [data for kind in listed for _, data in kind.files]
    for kind in listed:
        rng = random.Random(f"{seed} {kind.name}")
        special = list(kind.hostile())
        if len(special) > count // 2:
            special = rng.sample(special, count // 2)
        for label, ending, data in special:
            yield Case(f"{kind.name}: {label}", rng.choice(kind.readers), ending, data)
        for index in range(count - len(special)):
            ending, data = rng.choice(kind.files)
            pool = everything if rng.random() < 0.2 else [data for _, data in kind.files]
            mutant = kind.repaired(mutated(rng, data, rng.choice(pool)), rng)
            yield Case(f"{kind.name}: mutant {index}", rng.choice(kind.readers), ending, mutant)


def run(found: Iterable[Case], folder: Path, tally: Tally) -> Iterator[Finding]:
    """Judge cases one by one; yield those that went wrong."""
    worker = Worker(folder)
    try:
        for index, case in enumerate(found):
            path = folder / f"case_{index}{case.ending}"
            path.write_bytes(case.data)
            fault = worker.judge(case, path, tally)
            changed = path.read_bytes() != case.data
            path.unlink()
            if changed:
                yield Finding(case, "the input was changed")
            if fault is not None:
                yield Finding(case, fault)
        strays = worker.strays()
        if strays:
            yield Finding(Case("all", "", "", b""), f"files were written: {strays}")
    finally:
        worker.close()


def main() -> None:
    """Search as long as asked for, and print each fault once with a file that shows it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="cases of every kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="kinds, with commas between")
    parser.add_argument("--keep", type=Path, help="folder for the files that show faults")
    chosen = parser.parse_args()
    wanted = [k for k in corpus() if not chosen.only or k.name in chosen.only.split(",")]
    folder = Path(tempfile.mkdtemp(prefix="fuzz"))
    tally, seen = Tally(), collections.Counter[str]()
    try:
        for finding in run(cases(wanted, chosen.count, chosen.seed), folder, tally):
            kind = finding.case.label.split(":")[0]
            key = f"{kind} [{finding.case.reader}] {finding.fault}"
            short = key[:60]
            seen[short] += 1
            if seen[short] == 1:
                print(f"{key}   <- {finding.case.label}", flush=True)
                if chosen.keep is not None:
                    chosen.keep.mkdir(exist_ok=True)
                    name = re.sub(r"\W+", "_", finding.case.label)
                    (chosen.keep / f"{name}{finding.case.ending}").write_bytes(
                        finding.case.data
                    )
    finally:
        shutil.rmtree(folder)
    spent, label = tally.slowest
    print(f"{tally.read} read, {tally.refused} refused, slowest {spent:.2f} s ({label}); "
          f"{sum(seen.values())} findings of {len(seen)} sorts")  # fmt: skip


if __name__ == "__main__":
    main()
