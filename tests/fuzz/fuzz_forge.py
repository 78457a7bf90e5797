"""Certificates of every kind that commands write, and forgeries of them."""

from __future__ import annotations

import base64
import copy
import io
import json
import math
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from recover.certificates.certificate import Certificate
from recover.cli.commands import cli
from recover.cli.measurement import model_of
from recover.core.enclosure import Enclosure
from recover.layers.app import layer_model
from recover.models import Ball, Everywhere
from recover.pipeline import certify

Path_ = tuple[Any, ...]  # keys and indices from the root of a JSON document

WORDS = ("", "none", "inf", "-inf", "nan", "proved", "global", "ball", "local", "conditional",
         "relu", "saturation", "modulus", "image", "phase", "rows", "parts", "UNBOUNDED", "-",
         "/dev/zero", "/etc/passwd", "../x", "estimate", "probabilistic", "\ud800", "x" * 5000,
         "1e400", "0x10", "recover-certificate-1", "injective", "weights", "model")  # fmt: skip
NUMBERS = (0, 1, -1, 2, 0.0, -0.0, 0.5, 1e-300, 5e-324, 1e308, -1e308, 2**31, 2**63, 2**64,
           10**400, 1e-9, True, False)  # fmt: skip
SLACK = 1e-5  # relative: what a second proof may find beyond what the first one stated


def issued(folder: Path) -> dict[str, dict[str, Any]]:
    """Write inputs and run commands; return the JSON of every kind of certificate."""
    rng = np.random.default_rng(0)
    folder.mkdir(exist_ok=True)
    time = np.arange(1200) / 8000
    tone = np.clip(np.sin(2 * np.pi * 300 * time), -0.8, 0.8)
    soundfile.write(folder / "clip.wav", tone, 8000, subtype="FLOAT")
    hill = 1.3 - np.hypot(*np.mgrid[-1:1:12j, -1:1:12j])
    np.save(folder / "hill.npy", np.minimum(hill, 1.0))
    scene = np.zeros((8, 8))
    scene[:3, :3] = rng.random((3, 3)) + 0.1
    np.savez(folder / "scene.npz", magnitude=np.abs(np.fft.fft2(scene)), support=scene > 0)
    np.save(folder / "frame.npy", rng.standard_normal((9, 3)))
    layers = {"W1": rng.standard_normal((9, 3)), "b1": np.full(9, 0.8),
              "W2": rng.standard_normal((20, 9)), "b2": np.full(20, 9.0)}  # fmt: skip
    np.savez(folder / "layers.npz", **layers)
    runs = {
        "relu": ["certify", "frame.npy", "--model", "relu", "--bias", "-0.3"],
        "saturation": ["certify", "frame.npy", "--model", "saturation", "--level", "1.8"],
        "modulus": ["certify", "frame.npy", "--model", "modulus"],
        "layer": ["layer", "layers.npz", "--layer", "W1"],
        "stack": ["layer", "layers.npz", "--budget", "3"],
        "audio": ["audio", "clip.wav", "-o", "o.wav", "--quality", "fast", "--quiet"],
        "parts": ["audio", "clip.wav", "-o", "p.wav", "--quality", "fast", "--conditional",
                  "--quiet"],
        "image": ["image", "hill.npy", "-o", "o.npy", "--quiet"],
        "phase": ["phase", "scene.npz", "-o", "o.npz", "--noise", "1e-6", "--quiet"],
    }  # fmt: skip
    found = {}
    for name, (command, source, *more) in runs.items():
        written = folder / f"{name}.json"
        outputs = [
            str(folder / each) if each.startswith(("o.", "p.")) else each for each in more
        ]
        cli([command, str(folder / source), *outputs, "--json", str(written)],
            standalone_mode=False)  # fmt: skip
        found[name] = json.loads(written.read_text())
    return found


def places(data: Any, at: Path_ = ()) -> Iterator[Path_]:
    """Yield the way to everything in a document."""
    yield at
    if not isinstance(data, dict | list):
        return
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        yield from places(value, (*at, key))


def taken(data: Any, at: Path_) -> Any:
    """Return what stands at a place."""
    for key in at:
        data = data[key]
    return data


def put(data: Any, at: Path_, value: Any) -> Any:
    """Return the document with another value at a place."""
    if not at:
        return value
    taken(data, at[:-1])[at[-1]] = value
    return data


def forged(rng: random.Random, data: Any, others: list[Any]) -> Any:
    """Return a document with one to three changes, half of them to the certificate itself."""
    data = copy.deepcopy(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        found = list(places(data))[1:]
        chosen = [p for p in found if "certificate" in p or "certificates" in p]
        at = rng.choice(chosen if chosen and rng.random() < 0.7 else found)
        value = taken(data, at)
        if isinstance(value, dict | list) and at and rng.random() < 0.7:
            continue  # mostly leaves
        data = put(data, at, _changed(rng, value, data, others, at))
    return data


def _changed(rng: random.Random, value: Any, data: Any, others: list[Any], at: Path_) -> Any:
    if rng.random() < 0.15:  # what another certificate has there, or this one elsewhere
        source = rng.choice([data, *others])
        try:
            return copy.deepcopy(taken(source, at))
        except (KeyError, IndexError, TypeError):
            return copy.deepcopy(taken(source, rng.choice(list(places(source)))))
    if rng.random() < 0.1:
        return rng.choice((None, [], {}, [None], {"": 0}, [[]] * 3, *WORDS[:4], *NUMBERS[:4]))
    if isinstance(value, str):
        return _text(rng, value)
    if isinstance(value, bool) or value is None:
        return rng.choice((True, False, None, 0, 1, "true"))
    if isinstance(value, int | float):
        return _number(rng, value)
    if isinstance(value, list):
        return _list(rng, value)
    if value and rng.random() < 0.8:
        gone = rng.choice(list(value))
        return {k: v for k, v in value.items() if k != gone}
    return {**value, rng.choice(WORDS): rng.choice(NUMBERS)}


def targeted(data: Any) -> Iterator[Any]:
    """Yield documents that promise more, on evidence that compares with nothing.

    NaN is neither above nor below a bound, and what overflows is above all: a check that asks
    only whether something is too large lets one of them pass.
    """
    for at in places(data):
        value = taken(data, at)
        if not isinstance(value, dict) or value.get("format") != "recover-certificate-1":
            continue
        for promise in _promises(value):
            for evidence in _poisoned(value["evidence"]):
                yield put(copy.deepcopy(data), at, {**promise, "evidence": evidence})


def _promises(plain: Any) -> Iterator[Any]:
    """Yield a certificate's data with more promised, each consistent in itself."""
    lower, upper = (_value(plain["kappa"][end]) for end in ("lower", "upper"))
    top = upper if 0.0 < upper < math.inf else 1.0
    for kappa in ((0.0, top / 2.0), (top, top * (1 + 1e-9)), (lower, upper)):
        ends = {"lower": kappa[0], "upper": "inf" if math.isinf(kappa[1]) else kappa[1]}
        growth = [math.inf if k == 0.0 else 1.0 / k for k in kappa[::-1]]
        changed = {**copy.deepcopy(plain), "kappa": ends}
        enclosure = Enclosure.from_json(ends)
        if enclosure.upper > 0.0:
            changed["amplification"] = enclosure.reciprocal().to_json()
        if kappa != (lower, upper):
            yield changed
        if not math.isinf(_value(plain["error_bound"])) or growth[1] < math.inf:
            yield {**changed, "error_bound": _value(plain["error_bound"]) / 2.0
                   if plain["error_bound"] != "inf" else 1.0}  # fmt: skip
        for name, text in plain["arrays"].items():
            array = _array(text)
            if array is not None:
                for other in (array / 2.0, array * np.nan):
                    arrays = {**plain["arrays"], name: _encoded(other)}
                    yield {**changed, "arrays": arrays}


def _poisoned(evidence: Any) -> Iterator[Any]:
    """Yield evidence with its floating-point arrays, and its numbers, made incomparable."""
    yield evidence
    arrays = {k: _array(v) for k, v in evidence["arrays"].items()}
    floats = [k for k, v in arrays.items() if v is not None and v.dtype.kind in "fc"]
    numbers = [k for k, v in evidence["values"].items() if isinstance(v, float)]
    for fill in (math.nan, math.inf, 1e308, 1e200, 5e-324, 0.0):
        for names in (floats, *([name] for name in floats)):
            filled = {k: _encoded(np.full_like(arrays[k], fill)) for k in names}
            yield {**evidence, "arrays": {**evidence["arrays"], **filled}}
        if not math.isnan(fill):
            plain = fill if math.isfinite(fill) else "inf"
            for names in (numbers, *([name] for name in numbers)):
                values = {**evidence["values"], **dict.fromkeys(names, plain)}
                yield {**evidence, "values": values}
    for factor in (0.25, 0.5, 2.0, 4.0):
        scaled = {k: evidence["values"][k] * factor for k in numbers}
        yield {**evidence, "values": {**evidence["values"], **scaled}}


def _number(rng: random.Random, value: float) -> Any:
    kind = rng.randrange(4)
    if kind == 0:
        return rng.choice(NUMBERS)
    if kind == 1 and abs(value) < 1e300:
        return value + rng.choice((-1, 1))
    if kind == 2 and abs(value) < 1e300:
        factor = rng.choice((1 - 1e-3, 1 + 1e-3, 0.5, 2.0, 0.9, 1.1, -1.0, 1e6, 1e-6))
        return value * factor
    return rng.choice((str(value), "inf", "-inf", math.nan, math.inf))


def _list(rng: random.Random, value: list[Any]) -> list[Any]:
    if not value:
        return [rng.choice(WORDS)]
    k = rng.randrange(len(value))
    return rng.choice((
        value[:k] + value[k + 1 :], [*value, value[k]], value[::-1], [], value * 2, value[k:],
    ))  # fmt: skip


def _text(rng: random.Random, value: str) -> str:
    array = _array(value)
    if array is not None and rng.random() < 0.9:
        return _encoded(_other_array(rng, array))
    kind = rng.randrange(4)
    if kind == 0 or not value:
        return rng.choice(WORDS)
    k = rng.randrange(len(value))
    if kind == 1:
        return value[:k] + rng.choice("0123456789abcdefXY .-+/=") + value[k + 1 :]
    return value[:k] if kind == 2 else value[:k] + value[k + 1 :]


def _array(text: str) -> np.ndarray[Any, Any] | None:
    """Return the array of a text that encodes one."""
    try:
        return np.load(io.BytesIO(base64.b64decode(text, validate=True)), allow_pickle=False)
    except (ValueError, EOFError, OSError):
        return None


def _encoded(array: Any) -> str:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return base64.b64encode(buffer.getvalue()).decode()


def _other_array(rng: random.Random, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if array.size == 0:
        return np.zeros(3)
    other = array.copy()
    flat = other.reshape(-1)
    k, kind = rng.randrange(flat.size), rng.randrange(9)
    if kind == 0:
        values = (0, 1) if array.dtype.kind in "biu" else (0, 1, np.nan, np.inf, 1e308, 5e-324)
        flat[k] = rng.choice(values)
    elif kind == 1:
        flat[k] = flat[k] + 1
    elif kind == 2 and array.dtype.kind in "fc":
        other *= rng.choice((0.5, 1 - 1e-3, 1 + 1e-3, 2.0, -1.0, 0.0))
    elif kind == 3:
        other = other[::-1]
    elif kind == 4:
        other = other[:-1] if other.ndim else other
    elif kind == 5:
        other = other.reshape(-1)
    elif kind == 6:
        other = np.concatenate([other, other]) if other.ndim else other
    elif kind == 7:
        real = ("f4", "i8", "f8", "?", "c16", "u1", ">f8")
        with np.errstate(all="ignore"):
            other = other.astype(
                rng.choice(("c8", ">c16") if array.dtype.kind == "c" else real)
            )
    else:
        np.random.default_rng(rng.randrange(9)).shuffle(flat)
    return other


def stronger(forgery: Any, truth: Any) -> str | None:
    """Return in what a forgery promises more than was issued, None if in nothing."""
    for old, new in _pairs(truth, forgery):
        if new is None:
            return "a certificate has gone"
        first = old["evidence"]["kind"] == "apriori"
        moved = old["scope"] != new["scope"]
        if moved and not (first and _holds(forgery, new)):
            return f"scope from {old['scope']} to {new['scope']}, kappa in {new['kappa']}"
        for name in () if moved else ("kappa", "amplification"):
            for end, sign in (("lower", 1.0), ("upper", -1.0)):
                # before data, verification proves the claimed ends anew, by the evidence that
                # was changed too: only what contradicts the other end is false
                other = "upper" if end == "lower" else "lower"
                was, now = _value(old[name][other if first else end]), _value(new[name][end])
                if sign * now > sign * was and not math.isclose(now, was, rel_tol=SLACK):
                    return f"{name}.{end} from {was} to {now}"
        was, now = _value(old["error_bound"]), _value(new["error_bound"])
        if now < was and not math.isclose(now, was, rel_tol=SLACK):
            return f"error_bound from {was} to {now}"
        for name in ("rigor", "subject", "noise", "assumptions"):
            if old[name] != new[name]:
                return f"{name} from {old[name]} to {new[name]}"
        values = new["evidence"]["values"]
        still = values.get("closed", True) is True and values.get("kappa_closed", True) is True
        if old["reason"] != new["reason"] and old["reason"] is None and still:
            return f"reason to {new['reason']}"
        for name in ("pointwise", "centre"):
            if _differs(old["arrays"].get(name), new["arrays"].get(name), name):
                return f"{name} was changed"
    return None


def _holds(document: Any, new: Any) -> bool:
    """Return whether a certificate before data is true on the scope that it claims."""
    scope = new["scope"]
    ball = scope["kind"] == "ball"
    domain = Ball(float(scope["radius"]), scope["nonnegative"]) if ball else Everywhere()
    path = document["input"]
    if "model" in document:
        model = model_of(path, document["model"])
    else:
        model = layer_model(path, str(document["weights"][0]))
    true = certify(model, domain, budget=5.0).kappa
    lower, upper = (_value(new["kappa"][end]) for end in ("lower", "upper"))
    return lower <= true.upper * (1 + SLACK) and upper >= true.lower * (1 - SLACK)


def _pairs(old: Any, new: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each certificate of a document with what stands at its place in another.

    Parts in another order are left out: each names the place that it speaks of.
    """
    issued = [(at, value) for at in places(old) if _is_certificate(value := taken(old, at))]
    known = [json.dumps(Certificate.from_data(value).to_data()) for _, value in issued]
    for at, value in issued:
        try:
            other = Certificate.from_data(taken(new, at)).to_data()
        except (KeyError, IndexError, TypeError, ValueError):
            other = None
        if other is None:
            yield value, other
        elif json.dumps(other) not in known:
            alike = [each for _, each in issued if each["scope"] == other["scope"]]
            yield (alike[0] if alike and value not in alike else value), other


def _is_certificate(value: Any) -> bool:
    return isinstance(value, dict) and value.get("format") == "recover-certificate-1"


def _value(number: Any) -> float:
    return float(number)


def _differs(old: str | None, new: str | None, name: str) -> bool:
    if old is None or new is None:
        return new is not None  # a map less promises less
    was, now = _array(old), _array(new)
    if now is None or was is None or was.shape != now.shape:
        return True
    if name == "pointwise":  # larger bounds promise less
        return not bool((now >= was * (1 - SLACK)).all())
    return not np.allclose(was, now, rtol=SLACK)


def main() -> None:
    """Write a certificate of every kind into a folder."""
    issued(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
