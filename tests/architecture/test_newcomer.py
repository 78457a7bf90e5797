"""A frame, a non-linearity and a method, each added as one file, are found and tested."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

FRAME = '''
"""The frame of pairwise differences and the mean."""
from dataclasses import dataclass
from typing import Self

import numpy as np

from recover.core.arrays import Array
from recover.frames.base import Frame, FrameBounds
from recover.frames.bounds import proved_bounds


@dataclass(frozen=True, eq=False)
class Differences(Frame):
    """Neighbouring differences and the sum of a signal of length n."""

    n: int

    @property
    def signal_shape(self) -> tuple[int, ...]:
        return (self.n,)

    @property
    def coef_shape(self) -> tuple[int, ...]:
        return (self.n,)

    @property
    def real_signal(self) -> bool:
        return True

    @property
    def real_coefs(self) -> bool:
        return True

    def analysis(self, x: Array) -> Array:
        x = self.check_signal(x)
        return np.concatenate([np.diff(x, axis=-1), x.sum(-1, keepdims=True)], axis=-1)

    def synthesis(self, c: Array) -> Array:
        c = self.check_coefs(c)
        padded = np.zeros((*c.shape[:-1], self.n + 1), dtype=c.dtype)
        padded[..., 1:-1] = c[..., :-1]
        return padded[..., :-1] - padded[..., 1:] + c[..., -1:]

    def bounds(self) -> FrameBounds:
        return proved_bounds(self)

    def roundoff(self) -> float:
        return 4.0 * self.n * 2.0**-53 * np.sqrt(self.n)

    def identity_parts(self) -> tuple[Array | str | float | int | bool | None, ...]:
        return ("Differences", self.n)

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls(int(rng.integers(4, 9)))
'''

MODEL = '''
"""Measurements with a dead zone."""
from dataclasses import dataclass
from typing import Self

import numpy as np

from recover.core.arrays import Array
from recover.frames.base import Frame
from recover.frames.dense import Dense
from recover.models.base import Knowledge, Model, Part
from recover.models.noise import NoiseBound, Where


@dataclass(frozen=True, eq=False)
class DeadZone(Model):
    """The measurement ``y = sign(t) max(|t| - width, 0)``."""

    measured: Frame
    width: float

    @property
    def frame(self) -> Frame:
        return self.measured

    @property
    def convex(self) -> bool:
        return True

    def apply(self, t: Array) -> Array:
        return np.sign(t) * np.maximum(np.abs(t) - t.dtype.type(self.width), 0)

    def check_data(self, y: Array, noise: NoiseBound) -> None:
        """Accept all data."""

    def knowledge(self, y: Array, noise: NoiseBound) -> Knowledge:
        y = y.astype(np.float64)
        threshold = noise.each if noise.where is Where.AFTER else 0.0
        fixed = np.abs(y) > threshold
        value = y + np.sign(y) * self.width
        up = np.where(y > threshold, value, self.width + np.maximum(y, 0.0)) + noise.each
        down = np.where(y < -threshold, value, -self.width + np.minimum(y, 0.0)) - noise.each
        lower = np.where(y > threshold, value - noise.each, down)
        upper = np.where(y < -threshold, value + noise.each, up)
        return Knowledge(fixed, value, noise.each, noise.l2, lower, upper)

    def project(self, t: Array, y: Array) -> Array:
        width = t.dtype.type(self.width)
        return np.where(y == 0, np.clip(t, -width, width), y + np.sign(y) * width)

    def align(self, x: Array, reference: Array) -> Array:
        return x

    def identity_parts(self) -> tuple[Part, ...]:
        return ("DeadZone", self.width, *self.frame.identity_parts())

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls(Dense(rng.standard_normal((14, 3))), 0.25)
'''

METHOD = '''
"""The Landweber iteration on the coefficients that the data fix."""
from dataclasses import dataclass
from typing import Self

import numpy as np

from recover.core.arrays import Array
from recover.models.problem import Problem
from recover.solve.base import Method, Status


@dataclass(frozen=True)
class LandweberState:
    """The iterate and its residual."""

    x: Array
    residual: float
    finished: Status | None = None


@dataclass(frozen=True)
class Landweber(Method[LandweberState]):
    """Gradient steps with the step 1 / |rows|_F^2."""

    max_iter: int = 20000
    tol: float = 1e-10

    def refuses(self, problem: Problem) -> str | None:
        frame, fixed = problem.model.frame, problem.knowledge.fixed_count
        if not (frame.real_coefs and frame.coef_size < 100):
            return "it is made for small real frames"
        if fixed < frame.signal_size:
            return f"{fixed} rows are fixed, {frame.signal_size} are needed"
        return None

    def init(
        self, problem: Problem, start: Array | None, rng: np.random.Generator
    ) -> LandweberState:
        shape = problem.model.frame.signal_shape
        x = np.zeros(shape, problem.dtype) if start is None else start
        return LandweberState(x, float("inf"))

    def step(self, problem: Problem, state: LandweberState) -> LandweberState:
        frame, known = problem.model.frame, problem.knowledge
        dtype = problem.dtype
        gap = np.where(known.fixed, known.value - frame.analysis(state.x), 0.0).astype(dtype)
        scale = dtype.type(1.0 / np.linalg.norm(frame.matrix(), 2) ** 2)
        size = np.linalg.norm(known.value[known.fixed])
        residual = float(np.linalg.norm(gap) / max(size, 1e-300))
        return LandweberState(state.x + scale * frame.synthesis(gap), residual)

    def signal(self, problem: Problem, state: LandweberState) -> Array:
        return state.x

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        return cls()
'''


def test_three_new_files_need_no_other_edit(tmp_path):
    shutil.copytree(ROOT / "recover", tmp_path / "recover")
    shutil.copytree(ROOT / "tests" / "laws", tmp_path / "laws")
    for name, text in {
        "frames/differences.py": FRAME,
        "models/dead_zone.py": MODEL,
        "solve/landweber.py": METHOD,
    }.items():
        (tmp_path / "recover" / name).write_text(text.lstrip())
    env = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}

    listed = subprocess.run(
        [sys.executable, "-m", "recover", "list"],
        cwd=tmp_path, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert listed.returncode == 0, listed.stderr
    for name in ("Differences", "DeadZone", "Landweber"):
        assert name in listed.stdout

    pattern = "Differences or DeadZone or Landweber"
    laws = subprocess.run(
        [sys.executable, "-m", "pytest", "laws", "-q", "-k", pattern, "-p", "no:cacheprovider",
         "--import-mode=importlib", "-W", "error"],
        cwd=tmp_path, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert laws.returncode == 0, laws.stdout + laws.stderr
    ran = laws.stdout.strip().splitlines()[-1]
    assert "passed" in ran
    assert int(ran.split(" passed")[0].split()[-1]) >= 25, ran
