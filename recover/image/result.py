"""What declipping an image gives back, saved and loaded without pickled objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recover.certificates.certificate import Certificate
from recover.core.arrays import Array
from recover.core.display import GREY, Facts, Shown, axes_or_new
from recover.image.layout import picture_of
from recover.image.levels import ChannelLevel
from recover.io.errors import FileError
from recover.io.results import load_result, save_result
from recover.solve.base import Status

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ImageResult"]

FORMAT = "recover-image-1"


@dataclass(frozen=True, eq=False, repr=False)
class ImageResult(Shown):
    """A recovered image.

    Parameters
    ----------
    image : array [shape of the input, floating]
        The recovered image, in the input's units.  Samples that were not clipped are the
        input's, bit for bit; clipped ones lie at or beyond their level.
    levels : tuple of ChannelLevel
        What was taken for clipped, per channel.
    recovered : array of bool [shape of image]
        The samples that were recovered.
    transfer : str
        The transfer function that was undone: "linear" or "srgb".
    status : Status
        How the work ended; `DIRECT` where nothing was clipped.
    certificate : Certificate
        What is promised; its parts are the connected regions.
    shrinkage : tuple of float
        Per channel, the factor in [0, 1] on the excess over the level that clipping the image
        again at a lower level called for; 0 leaves the channel clipped.
    blend : float in [0, 1]
        What other candidates make up of the result, chosen in the same way.
    notes : tuple of str
        What else is to be said, in sentences.
    trust_map : array [shape of image] or None
        Per sample, a bound or an estimate of the error (its kind stands in the certificate), in
        the image's units; None where none was made.
    """

    image: Array
    levels: tuple[ChannelLevel, ...]
    recovered: Array
    transfer: str
    status: Status
    certificate: Certificate
    shrinkage: tuple[float, ...]
    blend: float
    notes: tuple[str, ...] = ()
    trust_map: Array | None = None

    def facts(self) -> Facts:
        """Return what was recovered."""
        return [
            ("image", f"{self.image.shape} {self.image.dtype}"),
            ("recovered", f"{self.count} samples, {100.0 * self.fraction:.2f} %"),
            ("status", self.status.value),
        ]

    def shown_below(self) -> tuple[Certificate]:
        """Return the certificate."""
        return (self.certificate,)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the image with matplotlib, dark enough to show what was recovered.

        The largest sample is white; of a stack, the first picture is drawn, of more channels
        than three the first three, and of two the first.
        """
        axes = axes_or_new(ax)
        shown = picture_of(self.image, 1 if self.image.ndim == 2 else len(self.levels))
        shown = shown[..., :3] if shown.shape[-1] >= 3 else shown[..., 0]
        light = np.clip(np.nan_to_num(shown / max(float(np.nanmax(shown)), 1e-300)), 0.0, 1.0)
        axes.imshow(np.sqrt(light), cmap=GREY)
        axes.set_axis_off()
        return axes

    @property
    def signal(self) -> Array:
        """The recovered image."""
        return self.image

    @property
    def count(self) -> int:
        """Number of samples that were recovered."""
        return int(np.count_nonzero(self.recovered))

    @property
    def fraction(self) -> float:
        """Share of all samples that were recovered."""
        return self.count / self.recovered.size

    @property
    def error_bound(self) -> float:
        """The certificate's bound on the l2 error, infinite if nothing is promised."""
        return self.certificate.error_bound

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write everything to an NPZ file, whole or not at all."""
        meta = {
            "format": FORMAT,
            "levels": [asdict(level) for level in self.levels],
            "transfer": self.transfer,
            "status": self.status.name,
            "certificate": self.certificate.to_data(),
            "shrinkage": list(self.shrinkage),
            "blend": self.blend,
            "notes": list(self.notes),
        }
        arrays = {"image": self.image, "recovered": self.recovered}
        if self.trust_map is not None:
            arrays["trust_map"] = self.trust_map
        save_result(path, meta, arrays, force=force)

    @staticmethod
    def load(path: str | Path) -> ImageResult:
        """Read what `save` wrote; raises `FileError` if it is something else."""
        meta, arrays = load_result(path, FORMAT)
        try:
            return _restore(arrays, meta)
        except (KeyError, TypeError, ValueError):
            raise FileError(f"{path} is not a saved image recovery") from None


def _restore(arrays: Mapping[str, Array], meta: Mapping[str, Any]) -> ImageResult:
    return ImageResult(
        image=arrays["image"],
        levels=tuple(ChannelLevel(**level) for level in meta["levels"]),
        recovered=arrays["recovered"],
        transfer=str(meta["transfer"]),
        status=Status[meta["status"]],
        certificate=Certificate.from_data(meta["certificate"]),
        shrinkage=tuple(float(value) for value in meta["shrinkage"]),
        blend=float(meta["blend"]),
        notes=tuple(str(note) for note in meta["notes"]),
        trust_map=arrays.get("trust_map"),
    )
