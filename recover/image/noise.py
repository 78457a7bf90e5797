"""How noisy a picture is, and its values with less of it, for the model to follow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from recover.core.arrays import Array
from recover.image.side import Scaled

__all__ = ["denoised", "followed", "noise_level", "with_noise"]

_MATERIAL = 0.004  # of the level: below, finest detail is as large and nothing is done
_BLOCK = 16  # pixels along each side of the blocks from which the noise is taken; they overlap
_BLOCKS = 1024  # that are looked at
_FEWEST = 4
_CALM = 0.1  # quantile over the blocks: in these there is little but noise
_FLAT = 0.77  # what the estimate is of three channels with nothing but noise of deviation 1
_DARK = 0.01  # of the level: darker blocks may be cut off at black
_PATCH, _STRIDE = 8, 2
_THRESHOLD = 2.7  # standard deviations

Single = npt.NDArray[np.float32]


def with_noise(scaled: Scaled) -> Scaled:
    """Return the picture with its noise level, if that is material.

    A grey picture comes back as it is: there is no other channel that would bring noise in.

    Parameters
    ----------
    scaled : Scaled
    """
    if len(scaled.planes) == 1:
        return scaled
    noise = noise_level(scaled)
    return replace(scaled, noise=noise) if noise >= _MATERIAL else scaled


def followed(planes: Single, clipped: Array, noise: float) -> Single:
    """Return what the model is to follow: the planes, or if they are noisy, without the noise.

    The model copies the differences between neighbours from channel to channel, and their
    noise with them.

    Parameters
    ----------
    planes : array [shape=(channels, height, width), float32]
        Values whose level is 1.
    clipped : array of bool [shape of planes]
        Samples that stay at 1.
    noise : float
        Its standard deviation; 0 to return the planes as they are.
    """
    if noise == 0.0:
        return planes
    return np.where(clipped, np.float32(1.0), denoised(planes, noise))


def noise_level(scaled: Scaled) -> float:
    """Return an estimate of the noise's standard deviation, in units of the level.

    Detail is common to the channels, noise is not: in each block without clipped samples, the
    smallest eigenvalue of the channels' covariance after the second difference along both axes
    is taken; a low quantile of them belongs to blocks with little detail.  An estimate, and a
    cautious one: of channels with unequal noise it is nearest to the least.

    Parameters
    ----------
    scaled : Scaled
        Of at least two channels.

    Returns
    -------
    float
        0 if too few blocks are free of clipped and dark samples.

    References
    ----------
    .. [1] J. Immerkaer, "Fast noise variance estimation", Computer Vision and Image
       Understanding 64, 1996, for the mask.
    .. [2] S. Pyatykh, J. Hesser, L. Zheng, "Image noise level estimation by principal component
       analysis", IEEE Transactions on Image Processing 22, 2013, for the eigenvalue.
    """
    values = _blocks(scaled)
    values = values[values.mean(axis=(2, 3)).min(axis=1, initial=np.inf) >= _DARK]
    if len(values) < _FEWEST:
        return 0.0
    detail = np.diff(np.diff(values, 2, axis=2), 2, axis=3) / 6.0
    flat = detail.reshape(*detail.shape[:2], -1)
    found = np.linalg.eigvalsh(flat @ flat.transpose(0, 2, 1))[:, 0] / flat.shape[-1]
    return float(np.sqrt(max(np.quantile(found, _CALM), 0.0))) / _FLAT


def _blocks(scaled: Scaled) -> Array:
    """Return blocks without clipped samples, shape (blocks, channels, rows, columns)."""
    height, width = scaled.planes.shape[1:]
    corners = np.stack(
        np.meshgrid(
            np.arange(0, height - _BLOCK + 1, _BLOCK // 2),
            np.arange(0, width - _BLOCK + 1, _BLOCK // 2),
            indexing="ij",
        ),
        axis=-1,
    ).reshape(-1, 2)
    chosen = corners[:: max(1, -(-len(corners) // _BLOCKS))]
    within = np.arange(_BLOCK)
    rows = (chosen[:, :1] + within)[:, :, None]
    columns = (chosen[:, 1:] + within)[:, None, :]
    free = ~scaled.clipped[:, rows, columns].any(axis=(0, 2, 3))
    return np.moveaxis(scaled.at(rows[free], columns[free]), 0, 1).astype(np.float64)


def denoised(planes: Single, sigma: float) -> Single:
    """Return planes without what may be noise, by thresholding overlapping patches.

    Each 8 by 8 patch of a plane keeps its mean and the coefficients of its cosine transform
    above 2.7 sigma; patches with few of them count more.

    Parameters
    ----------
    planes : array [shape=(channels, height, width), float32]
    sigma : float
        Standard deviation of the noise.

    References
    ----------
    .. [1] G. Yu, G. Sapiro, "DCT image denoising: a simple and effective image denoising
       algorithm", Image Processing On Line 1, 2011.
    .. [2] O. Guleryuz, "Weighted overcomplete denoising", Asilomar Conference on Signals,
       Systems and Computers, 2003, for the weights.
    """
    return np.stack([_plane(plane, np.float32(_THRESHOLD * sigma)) for plane in planes])


def _plane(plane: Single, threshold: np.float32) -> Single:
    from scipy import fft

    height, width = plane.shape
    ends = [(_PATCH, _PATCH + (-size) % _PATCH) for size in (height, width)]
    wide = np.pad(plane, ends, mode="symmetric")
    total, counts = np.zeros_like(wide), np.zeros_like(wide)
    for down in range(0, _PATCH, _STRIDE):
        for right in range(0, _PATCH, _STRIDE):
            rows, columns = (wide.shape[0] - down) // _PATCH, (wide.shape[1] - right) // _PATCH
            part = np.s_[down : down + rows * _PATCH, right : right + columns * _PATCH]
            patches = wide[part].reshape(rows, _PATCH, columns, _PATCH)
            coefs = fft.dctn(patches, axes=(1, 3), norm="ortho")
            kept = np.abs(coefs) > threshold
            kept[:, 0, :, 0] = True
            weight = np.float32(1.0) / kept.sum(axis=(1, 3), keepdims=True, dtype=np.float32)
            smooth = fft.idctn(coefs * kept, axes=(1, 3), norm="ortho")
            total[part] += (smooth * weight).reshape(rows * _PATCH, columns * _PATCH)
            share = np.broadcast_to(weight, patches.shape)
            counts[part] += share.reshape(rows * _PATCH, columns * _PATCH)
    inner = np.s_[_PATCH : _PATCH + height, _PATCH : _PATCH + width]
    return np.asarray(total[inner] / counts[inner])
