"""Evidence too large for JSON: its arrays stand in a file beside it, named by their digests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recover.certificates.certificate import Certificate
from recover.certificates.evidence import Evidence
from recover.core.arrays import Array, digest
from recover.core.errors import ParameterError

__all__ = ["INLINE", "bring_back", "put_aside"]

INLINE = 1_000_000  # bytes of one certificate's arrays that may stand in the JSON
_NAME = "sha256"


def put_aside(certificate: Certificate) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return a certificate's plain data, and by their digests the arrays that it only names.

    Arrays stay in the data as long as those of one certificate (each part is one) do not exceed
    1 MB together.
    """
    aside: dict[str, Array] = {}
    return _moved(certificate, certificate.to_data(), aside), aside


def _moved(
    certificate: Certificate, data: dict[str, Any], aside: dict[str, Array]
) -> dict[str, Any]:
    parts = certificate.parts
    if parts is not None:
        data["parts"] = [
            {**entry, "certificate": _moved(part, entry["certificate"], aside)}
            for (_, part), entry in zip(parts, data["parts"], strict=True)
        ]
    arrays = certificate.evidence.arrays
    if sum(array.nbytes for array in arrays.values()) > INLINE:
        names = {key: digest([array]) for key, array in arrays.items()}
        aside.update({names[key]: array for key, array in arrays.items()})
        data["evidence"]["arrays"] = {key: {_NAME: name} for key, name in names.items()}
    return data


def bring_back(data: Mapping[str, Any], aside: Mapping[str, Array]) -> dict[str, Any]:
    """Return the plain data of a certificate with its named arrays put in again.

    Raises
    ------
    ParameterError
        If an array is missing or was changed, or the data are no certificate's.
    """
    try:
        whole = dict(data)
        if whole.get("parts") is not None:
            whole["parts"] = [
                {**part, "certificate": bring_back(part["certificate"], aside)}
                for part in whole["parts"]
            ]
        evidence = dict(whole["evidence"])
        entries = dict(evidence["arrays"])
        named = {k: _taken(v[_NAME], aside) for k, v in entries.items() if isinstance(v, dict)}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, ParameterError):
            raise
        raise ParameterError(f"the certificate is damaged: {error!r}") from None
    evidence["arrays"] = {**entries, **Evidence("", {}, named).to_json()["arrays"]}
    return {**whole, "evidence": evidence}


def _taken(name: str, aside: Mapping[str, Array]) -> Array:
    if name not in aside:
        raise ParameterError(
            f"an array of the evidence (digest {name[:12]}) is missing; "
            "keep the NPZ file beside the certificate"
        )
    if digest([aside[name]]) != name:
        raise ParameterError(f"an array of the evidence (digest {name[:12]}) was changed")
    return aside[name]
