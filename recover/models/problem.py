"""One measurement to be inverted: model, data, noise, prior and domain, checked together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array, as_numeric, digest, frozen
from recover.core.errors import ParameterError, require_type
from recover.models.base import Knowledge, Model
from recover.models.domains import Ball, Domain, Everywhere
from recover.models.noise import Noise, NoiseBound
from recover.priors.base import Prior

__all__ = ["Problem"]


@dataclass(frozen=True, eq=False, init=False)
class Problem:
    """One measurement.

    Parameters
    ----------
    model : Model
        The frame and its non-linearity.
    y : array [shape=model.frame.coef_shape]
        The data.  float32 data are solved in float32.
    noise : Noise or float
        A promise about the noise; a number is a bound on its l2 norm, after the non-linearity.
    prior : Prior, optional
        What is assumed besides the data.
    domain : Domain, optional
        Where the signal is known to lie; everywhere by default.

    Raises
    ------
    ParameterError
        If shapes do not match, data are not finite, or no signal could have given them.
    """

    model: Model
    y: Array
    noise: Noise
    prior: Prior | None
    domain: Domain

    def __init__(
        self,
        model: Model,
        y: npt.ArrayLike,
        *,
        noise: Noise | float = 0.0,
        prior: Prior | None = None,
        domain: Domain | None = None,
    ) -> None:
        require_type("model", model, Model, "pass recover.ReLU(frame) or another model")
        data = _data(y, model)
        promise = noise if isinstance(noise, Noise) else _l2(noise)
        model.check_data(data, promise.bound(data))
        shape = model.frame.signal_shape
        if prior is not None:
            require_type("prior", prior, Prior, "see recover.priors")
        if prior is not None and prior.signal_shape != shape:
            raise ParameterError(
                f"prior speaks of signals of shape {prior.signal_shape}, the model of {shape}"
            )
        where = Everywhere() if domain is None else domain
        require_type("domain", where, Domain, "pass recover.Ball(radius) or another domain")
        where.interval(shape)  # refuses a box or support of another shape
        object.__setattr__(self, "model", model)
        object.__setattr__(self, "y", frozen(data))
        object.__setattr__(self, "noise", promise)
        object.__setattr__(self, "prior", prior)
        object.__setattr__(self, "domain", where)

    @cached_property
    def noise_bound(self) -> NoiseBound:
        """The noise in numbers."""
        return self.noise.bound(self.y)

    @cached_property
    def knowledge(self) -> Knowledge:
        """What the data say about the coefficients of every consistent signal."""
        return self.model.knowledge(self.y, self.noise_bound)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of model and data: a certificate names what it speaks of by it."""
        return digest([*self.model.identity_parts(), self.y])

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of recovered signals: real or complex, single where the data are single."""
        single = self.y.dtype == np.float32
        if self.model.frame.real_signal:
            return np.dtype(np.float32 if single else np.float64)
        return np.dtype(np.complex64 if single else np.complex128)

    def bounded(self) -> bool:
        """Whether the domain is a bounded set."""
        if isinstance(self.domain, Ball):
            return True
        low, high = self.domain.interval(self.model.frame.signal_shape)
        return bool(np.isfinite(low).all() and np.isfinite(high).all())


def _l2(noise: object) -> Noise:
    if isinstance(noise, np.ndarray) and noise.ndim == 0:
        noise = noise[()]
    if not isinstance(noise, Real):
        raise ParameterError(
            f"noise must be a Noise or a number, got {type(noise).__name__}; pass "
            "recover.Noise(each=...) for a bound of each entry"
        )
    return Noise(l2=float(noise))


def _data(y: npt.ArrayLike, model: Model) -> Array:
    data = as_numeric("data", y)
    if data.shape != model.frame.coef_shape:
        raise ParameterError(
            f"data must have the frame's coefficient shape {model.frame.coef_shape}, "
            f"got {data.shape}"
        )
    if data.dtype.kind == "c":
        raise ParameterError(
            "data must be real, got complex values; every model measures reals"
        )
    return data
