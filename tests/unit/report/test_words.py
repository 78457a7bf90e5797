"""What reports say of a certificate."""

import numpy as np

import recover as rv
from recover.certificates.certificate import not_asked
from recover.report.words import certificate_paragraphs


def test_nothing_promised_is_not_called_proved():
    said = certificate_paragraphs(not_asked("subject"))
    assert said[0].startswith("No bound on the error is promised")
    assert "Reason: not asked." in said
    assert not any("How firmly" in line or "rests on" in line for line in said)


def test_a_promise_says_what_it_rests_on_and_how_firmly():
    rows = np.random.default_rng(0).standard_normal((30, 4))
    model = rv.ReLU(rv.frames.Dense(rows))
    said = certificate_paragraphs(rv.recover(rv.Problem(model, model(np.ones(4)))).certificate)
    assert said[0].startswith("Promise: every signal")
    assert any(line.startswith("It rests on") for line in said)
    assert said[-1] == "How firmly: proved."
