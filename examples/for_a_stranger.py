"""A certificate is a promise to a stranger: written to a file, read, and proved again.

One side recovers and writes; the other has the data and the JSON, and trusts neither the solver
nor the one who wrote it.  A certificate that claims more than can be proved is refused.
"""

# %%
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

import recover as rv

rng = np.random.default_rng(2)
rows = rng.standard_normal((90, 30))
x = rng.standard_normal(30)
model = rv.ReLU(rv.frames.Dense(rows), bias=0.1)
y = model(x) + 1e-4 * rng.random(90)
problem = rv.Problem(model, y, noise=rv.Noise(each=1e-4))

# %% the one side: recover, and write the result and its certificate
result = rv.recover(problem)
result.save("result.npz")
Path("promise.json").write_text(result.certificate.to_json())

# %% the other: read, and prove again from the evidence alone
certificate = rv.Certificate.from_json(Path("promise.json").read_text())
signal = rv.Recovery.load("result.npz").signal
verdict = rv.verify(certificate, problem, signal)
print(f"error {np.linalg.norm(signal - x):.2e}, promised {certificate.error_bound:.2e}")
print(f"accepted: {verdict.accepted}")
assert verdict.accepted
assert np.linalg.norm(signal - x) <= certificate.error_bound

# %% what it says
print("scope:      ", certificate.scope.kind)
print("rigor:      ", certificate.rigor)
for assumption in certificate.assumptions:
    print("assumes:    ", assumption)
print(f"kappa:       [{certificate.kappa.lower:.4f}, {certificate.kappa.upper:.4f}]")
print(f"evidence:    {', '.join(certificate.evidence.values)}")
print("centre:     ", "the recovered signal" if certificate.centre is None else "its own")

# %% a recording has a part for each channel: the one that was not clipped is known exactly
time = np.arange(2000) / 8000
stereo = np.stack(
    [np.sin(2 * np.pi * 220 * time), 0.3 * np.sin(2 * np.pi * 330 * time)], axis=1
)
sound = rv.audio.declip(np.clip(stereo, -0.6, 0.6), 8000, low=-0.6, high=0.6, quality="fast")
for label, part in sound.certificate.parts:
    print(f"{label}: error bound {part.error_bound:g}; {part.reason or 'proved'}")

# %% another's data, another signal, a better bound: refused, with the reason
other = rv.Problem(model, y + 1e-3, noise=problem.noise)
flattering = json.loads(Path("promise.json").read_text())
flattering["error_bound"] *= 0.99
better = rv.Certificate.from_json(json.dumps(flattering))
longer = replace(certificate, assumptions=(*certificate.assumptions, "the moon is full"))
for attempt in (
    rv.verify(certificate, other, signal),
    rv.verify(certificate, problem, signal + 1e-3),
    rv.verify(better, problem, signal),
    rv.verify(longer, problem, signal),
):
    print("refused:", attempt.reasons[0])
    assert not attempt.accepted
