"""The public names and commands: all exist, take what they promise, and are in an example."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import click
import pytest

import recover as rv
from recover.cli.commands import cli

ROOT = Path(__file__).parents[2]
SHOWN = "\n".join(
    path.read_text()
    for path in [ROOT / "README.md", *sorted((ROOT / "examples").iterdir())]
    if path.suffix in (".md", ".py", ".sh")
)

# each with its parameters, in order; those after * by name only
CALLS = """
rv.frames.Dense(rows, real_signal)
rv.frames.Identity(shape)
rv.frames.Gabor(length, window, hop)
rv.frames.STFT(length, window, hop)
rv.frames.Wavelet(name, levels, shape)
rv.frames.Fourier(shape)
rv.frames.Masked(frame)
rv.frames.Stack(frames)
rv.frames.CodedDiffraction(masks)
rv.frames.Fresnel(shape)
rv.frames.Ptychography(shape)
rv.frames.Convolution(filters)
rv.ReLU(frame, bias)
rv.Saturation(frame, low, high)
rv.Modulus(frame)
rv.priors.Quadratic(operator, budget)
rv.priors.Subspace(frame)
rv.Everywhere()
rv.Ball(radius, nonnegative)
rv.Box(low, high)
rv.Support(mask, nonnegative)
rv.Noise(l2, each, where)
rv.Noise.gaussian(sigma, delta)
rv.Noise.poisson()
rv.Problem(model, y, *, noise, prior, domain)
rv.recover(problem, method, *, start, certify, rng, watch)
rv.Recovery.load(path)
rv.certify(subject, where, *, budget, watch)
rv.Certificate.from_json(text)
rv.verify(certificate, subject)
rv.theory.injectivity_capacity(method, level)
rv.theory.deep_injectivity_capacity(layers, criterion, method, first)
rv.theory.min_active_fraction(alpha, level)
rv.theory.capacity_bounds()
rv.theory.injectivity_failure_bound(m, n)
rv.theory.minimal_rows(n, failure)
rv.theory.deep_failure_bound(n, widths)
rv.theory.min_active_neurons(rows, exact)
rv.theory.critical_bias(rows, radius, nonnegative)
rv.theory.critical_level(rows, radius)
rv.theory.polytope_bias(rows, radius, nonnegative)
rv.audio.declip(samples, rate, *, low, high, tolerance, quality, method, certify, rng, watch)
rv.audio.detect_levels(samples)
rv.audio.Declipper(rate, channels, *, low, high, latency)
rv.audio.phase_from_magnitude(magnitude, *, hop, n_fft, window, center, length, mel, start,
    method, certify, rng, watch)
rv.image.declip(image, *, low, high, channel_axis, mask, transfer, tolerance, method, certify,
    rng, watch)
rv.image.declip_raw(cfa, pattern, *, levels, black, white_balance, certify, rng, watch)
rv.image.detect_levels(image, channel_axis)
rv.phase.retrieve(magnitudes, frame, *, domain, method, start, noise, restarts, certify, rng,
    watch)
rv.phase.ptychography(magnitudes, positions, probe, *, shape, refine_probe, method, start,
    noise, certify, rng, watch)
rv.phase.hologram(target, illumination, *, region, phase_levels, method, iterations, start, rng,
    watch)
rv.layers.analyse(weights, biases, *, radius, nonnegative, budget)
rv.layers.invert(weights, biases, output, *, noise, domain)
"""
# words that stand for members of results, certificates and frames, as an example writes them
MEMBERS = """
.analysis( .synthesis( .bounds() .as_linear_operator() rv.methods. rv.AFTER rv.BEFORE
.signal .certificate .error_bound .status .residuals .save( watch= start=
.kappa .amplification .pointwise .parts .centre .scope .assumptions .rigor .evidence .reason
.to_json() .accepted .reasons .verdict .witness .min_active .uniformity .efficiency .probe
"""
OPTIONS = {
    "demo": "--out",
    "audio": "--low --high --quality --tolerance --mix --diff --report --json --save --jobs "
    "--cluster --no-certify --seed --force --quiet",
    "image": "--low --high --transfer --report --json --save --jobs --cluster --no-certify "
    "--seed --force --quiet",
    "phase": "--setup --dark --method --report --json --save --jobs --cluster --no-certify "
    "--seed --force --quiet",
    "inspect": "",
    "certify": "--model --bias --low --high --level --radius --nonnegative --budget --json",
    "layer": "--radius --nonnegative --budget --list --json",
    "verify": "",
    "capacity": "--layers --criterion --method --level --json",
    "report": "-o",
    "list": "",
}


def entry(line):
    name, _, rest = line.partition("(")
    return name, [word for word in re.split(r",\s*", rest.rstrip(")")) if word]


ENTRIES = [entry(line) for line in re.sub(r"\n\s+", " ", CALLS).strip().split("\n")]


@pytest.mark.parametrize(("name", "parameters"), ENTRIES, ids=[name for name, _ in ENTRIES])
def test_names_take_what_they_promise(name, parameters):
    found = rv
    for part in name.split(".")[1:]:
        found = getattr(found, part)
    actual = inspect.signature(found).parameters
    by_name = "*" in parameters
    wanted = [word for word in parameters if word != "*"]
    assert set(wanted) <= set(actual)
    positional = parameters[: parameters.index("*")] if by_name else wanted
    assert list(actual)[: len(positional)] == positional
    if by_name:
        for word in wanted[len(positional) :]:
            assert actual[word].kind is inspect.Parameter.KEYWORD_ONLY


@pytest.mark.parametrize("name", [name for name, _ in ENTRIES])
def test_names_are_in_an_example(name):
    short = re.escape(name).replace(r"rv\.frames\.", r"(rv\.frames|F)\.")  # as the tour has it
    assert re.search(rf"\b{short}\b", SHOWN)


@pytest.mark.parametrize("word", MEMBERS.split())
def test_members_are_in_an_example(word):
    assert word in SHOWN


@pytest.mark.parametrize("name", OPTIONS)
def test_commands_have_their_options_and_an_example_each(name):
    command = cli.commands[name]
    options = {
        option
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
    }
    assert set(OPTIONS[name].split()) <= options
    shown = re.findall(rf"\brecover {name}\b((?:[^\n]*\\\n)*[^\n]*)", SHOWN)
    assert shown
    for option in OPTIONS[name].split():
        assert option in SHOWN, option


def test_there_is_no_command_besides():
    assert set(cli.commands) == set(OPTIONS)
