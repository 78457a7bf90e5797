"""Why nothing is promised: a code for programs and a sentence for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from recover.core.errors import ParameterError

__all__ = ["NO_WITNESS", "Why", "Withheld", "local_only"]

# the reason of finite certificates whose kappa is open above
NO_WITNESS = "the signal is too large to keep a witness for kappa's upper end"


class Why(Enum):
    """The reasons for an infinite bound; the values are templates of sentences.

    The order is the order in which they are worth telling: of several, the first is given.
    """

    EMPTY = (
        "no signal is consistent with the data: the smallest possible residual is "
        "{residual:.3g}, more than the noise {noise:.3g}; check the levels, the frame and the "
        "noise bound"
    )
    NO_SIGNAL_OF_PRIOR = (
        "no signal meets the prior and the data together: the prior's budget is {budget:.6g} "
        "and at least {needed:.6g} is needed; give a larger budget"
    )
    MISFIT = (
        "the subspace does not fit the data: the residual of the best fit is {residual:.3g}, "
        "the noise bound {noise:.3g}; take another subspace or give the noise that there is"
    )
    ONE_SIDED = (
        "the subspace contradicts the clipped samples: {count} of them are missed by up to "
        "{violation:.3g}, more than noise explains; take another subspace"
    )
    OUTSIDE_DOMAIN = (
        "the recovered signal lies outside the domain, so a bound that rests on the domain is "
        "not issued; recover within the domain or give a larger one"
    )
    NO_PROOF = (
        "no proof is known that applies to a {name} measurement with this prior and domain"
    )
    DEVIATION = (
        "data and recovered signal differ by {deviation:.3g} in magnitude, noise included, and "
        "a local bound can carry about {carried:.3g} here; polish the signal, or give less "
        "noise if there is less"
    )
    PHASES_OPEN = (
        "no local stability could be proved: the {kept} magnitudes that are not zero near the "
        "recovered signal do not provably fix {needed} real unknowns; measure more"
    )
    ZERO_SIGNAL = (
        "the recovered signal is zero, and near zero magnitudes do not tell directions apart; "
        "give a signal that explains the data"
    )
    CHAIN_OPEN = (
        "the products of neighbouring samples do not provably join the signal together: its "
        "smallest squared modulus is {smallest:.3g} and the data leave {tau:.3g} open"
    )
    CHAIN_LOOSE = (
        "the bound from products of neighbouring samples, {bound:.3g}, is no less than the "
        "signal's norm {norm:.3g}; give less noise if there is less"
    )
    WINDOW_BLIND = (
        "the window of size {size} cannot see all products of samples {lag} apart (the "
        "transform of its own product has a zero, as for every symmetric window); take an "
        "asymmetric window, or a length that avoids the zero"
    )
    WINDOW_SYMMETRIC = (
        "a symmetric window leaves the products of samples {lag} apart open: the transform of "
        "the product of the {size} taps with themselves, {lag} later, is zero at half the "
        "sampling rate; take an asymmetric window"
    )
    FRAMES_BLIND = (
        "the {frames} frames with a window of {size} taps do not tell all products of samples "
        "{lag} apart; take a window that begins or ends with its largest taps, and frames that "
        "begin at each sample or end there"
    )
    HOP_WIDE = (
        "frames {hop} samples apart do not tell the products of neighbouring samples, as those "
        "of a hop of 1 can"
    )
    FEW_CHANNELS = (
        "the spectrogram does not determine the products of neighbouring samples: {channels} "
        "channels for a window of {size} and a signal of {length}; take more channels than the "
        "window has samples, and a window no longer than the signal"
    )
    ISLAND = (
        "the {count} magnitudes of the island in {where} and the data differ by "
        "{deviation:.3g}, noise included, while within the radius {radius:.3g} a local bound "
        "could carry {carried:.3g}; the phase between islands is open in any case, so of the "
        "island only the amplification is stated"
    )
    ISLAND_OPEN = (
        "no local stability could be proved for the {count} magnitudes of the island in "
        "{where} in {products} products; it is nearly cut into parts, or needs more work"
    )
    ISLANDS_LEFT = (
        "{count} islands of the spectrogram, or stretches of them, with {share:.2%} of its "
        "energy were not examined in the time allowed; give a larger budget"
    )
    SUBSPACE_OPEN = (
        "the data fix {fixed} coefficients, which do not provably determine the {size} "
        "coefficients of the subspace"
    )
    SUBSPACE_TOO_LARGE = (
        "too large to prove: a subspace of {size} vectors seen in {total} coefficients; "
        "certify in segments"
    )
    PRIOR_OPEN = (
        "the prior does not fix the {unknown} unknown samples: no positive smallest eigenvalue "
        "could be proved for them; give an operator that spans them"
    )
    PRIOR_TOO_LARGE = (
        "too large to prove: the prior's smallest eigenvalue on {unknown} unknowns has no "
        "route; use an operator with compact support or certify in segments"
    )
    CLIPPED_BASIS = (
        "{clipped} of {total} samples are clipped; the data fix none of them: in a basis "
        "any value beyond the level fits, so from the data alone the error has no bound; give "
        "a prior, or a domain that bounds the signal"
    )
    FEW_ROWS = (
        "the data fix {fixed} of {total} coefficients and {needed} are needed to fix the "
        "signal; give a prior, a bounded domain, or measure more"
    )
    NO_ROUNDOFF = (
        "the {name} frame states no bound of its rounding error, so nothing computed with it "
        "is proved"
    )
    TOO_LARGE = (
        "too large to prove: the smallest eigenvalue for {size} unknowns has no route for the "
        "{name} frame; certify in segments or use a frame with compact atoms"
    )
    NOT_PROVED = (
        "the {fixed} coefficients that the data fix may not determine the signal: no positive "
        "smallest eigenvalue could be proved"
    )
    UNBOUNDED = (
        "data and domain leave some directions unbounded; give a domain such as Ball or Box"
    )
    LINEAR_PROGRAM = (
        "the linear programs that would bound the signal ended with {status!r}; the data may "
        "contradict the noise bound or the domain"
    )


@dataclass(frozen=True)
class Withheld:
    """A proof that does not apply to a problem, and why.

    Parameters
    ----------
    why : Why
        The code.
    numbers : mapping
        What the template of the sentence needs.
    kappa_zero : bool
        Whether what the data fix is known to have a smallest eigenvalue of exactly zero.
    """

    why: Why
    numbers: Mapping[str, float | int | str] = field(default_factory=dict)
    kappa_zero: bool = False

    @property
    def sentence(self) -> str:
        """The reason in one sentence."""
        return str(self.why.value).format(**self.numbers)

    def values(self) -> dict[str, float | int | str | bool]:
        """Return the evidence values from which `restored` rebuilds this."""
        return {"why": self.why.name, **{f"number:{k}": v for k, v in self.numbers.items()}}

    @staticmethod
    def restored(values: Mapping[str, float | int | str | bool]) -> Withheld:
        """Rebuild from `values`.

        Raises
        ------
        ParameterError
            If there is no such reason.
        """
        name = values.get("why")
        if name not in Why.__members__:
            raise ParameterError(f"there is no reason {name!r}")
        numbers = {
            key.removeprefix("number:"): value
            for key, value in values.items()
            if key.startswith("number:")
        }
        return Withheld(Why[str(name)], numbers)


# why a bound speaks of the signals near the recovered one only
_NOT_GLOBAL = (
    Why.CHAIN_OPEN,
    Why.CHAIN_LOOSE,
    Why.WINDOW_BLIND,
    Why.WINDOW_SYMMETRIC,
    Why.FRAMES_BLIND,
    Why.HOP_WIDE,
    Why.FEW_CHANNELS,
)


def local_only(reason: str | None, withheld: Withheld) -> str | None:
    """Return the reason of a local bound where a bound for all signals was tried in vain.

    Parameters
    ----------
    reason : str, optional
        The certificate's own.
    withheld : Withheld
        Of the bound for all signals.

    Returns
    -------
    str or None
        None if `withheld` does not speak of such a bound.
    """
    if withheld.why not in _NOT_GLOBAL:
        return None
    said = f"only signals near the recovered one are spoken of: {withheld.sentence}"
    return said if reason is None else f"{reason}; {said}"
