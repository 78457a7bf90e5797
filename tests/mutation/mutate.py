"""Mutation testing of the code that certificates rest on.

    python tests/mutation/mutate.py GROUP --work FOLDER [--sample 37] [--children 2]

mutmut changes one thing at a time in a copy of the project (FOLDER; used again by the next run,
which then tests only what changed) and runs the tests that reach it, quick ones first. A mutant
is killed by a failing test, by the time limit, or by mypy: the type check is part of what every
change must pass. Texts of errors, lines that begin with a text and random draws are left alone.

``--sample 37`` takes the mutants of each function whose number ends in 3 or 7, a fifth of all.
Survivors that change nothing a user could notice are listed with the reason in
``survivors/GROUP.toml``; all others are printed as diffs, and the exit status is 1.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]

# group: (files that are mutated, tests that are run)
GROUPS: dict[str, tuple[list[str], list[str]]] = {
    "rounding": (
        ["recover/core/rounding.py", "recover/core/enclosure.py", "recover/core/rigor.py"],
        [
            "tests/unit/core/test_rounding.py",
            "tests/unit/core/test_enclosure.py",
            "tests/unit/core/test_rigor.py",
        ],
    ),
    "eigen": (
        ["recover/core/eigen/*.py"],
        ["tests/unit/core", "tests/truth"],
    ),
    "models": (
        ["recover/models/*.py"],
        [
            "tests/laws/test_models.py",
            "tests/unit/models",
            "tests/unit/test_wrong_types.py",
            "tests/unit/phase/test_counting.py",
        ],
    ),
    "checks": (
        [
            f"recover/certificates/checks/{name}.py"
            for name in [
                "apriori",
                "base",
                "centre",
                "common",
                "entrywise",
                "excess",
                "intervals",
                "island",
                "kappa",
                "magnitudes",
                "none",
                "residual",
                "rows",
            ]
        ]
        + ["recover/certificates/verify.py"],
        [
            *[
                f"tests/unit/certificates/test_{name}.py"
                for name in [
                    "beside",
                    "certificate",
                    "counted_reasons",
                    "forgeries",
                    "modulus_near",
                    "parts",
                    "polytope",
                    "posteriori_call",
                    "reading",
                    "reasons",
                    "statements",
                    "verify",
                ]
            ],
            "tests/theorems/test_clipped_regions.py",
            "tests/theorems/test_posteriori_bounds.py",
            "tests/theorems/test_posteriori_frames.py",
            "tests/theorems/test_posteriori_quadratic.py",
            *[
                f"tests/unit/checks/test_{name}.py"
                for name in [
                    "ball_bound",
                    "checked_residual",
                    "clipped_regions_check",
                    "entry_bounds",
                    "island_check",
                    "kappa_again",
                    "magnitudes_check",
                    "nothing_promised",
                    "one_field_at_a_time",
                    "verify_call",
                ]
            ],
        ],
    ),
    "checks-phase": (
        [
            f"recover/certificates/checks/{name}.py"
            for name in [
                "modulus",
                "modulus_lags",
                "modulus_near",
                "modulus_steps",
                "polytope",
                "quadratic",
                "reading",
                "stacked",
                "subspace",
            ]
        ],
        [
            *(
                f"tests/unit/checks/test_{name}.py"
                for name in [
                    "bounds_in_exact_numbers",
                    "modulus_lags_numbers",
                    "modulus_numbers",
                    "polytope_duality",
                    "quadratic_bound",
                    "reading_edges",
                    "rounding_counts",
                    "stacked_bound",
                    "subspace_bound",
                ]
            ),
            *(
                f"tests/unit/certificates/test_{name}.py"
                for name in [
                    "forgeries",
                    "modulus_near",
                    "polytope",
                    "reading",
                    "spectrogram_lags",
                ]
            ),
        ],
    ),
    "replay": (
        [
            f"recover/certificates/replay/{name}.py"
            for name in ["apriori", "cells", "modulus", "record", "splits", "walls"]
        ],
        [
            f"tests/unit/replay/test_{name}.py"
            for name in [
                "apriori_by_hand",
                "cell_records",
                "exact_conflicts",
                "modulus_by_hand",
                "reach_of_sides",
                "record_pieces",
                "split_records",
                "walls_of_rows",
            ]
        ],
    ),
    "replay-chords": (
        [
            f"recover/certificates/replay/{name}.py"
            for name in ["chord_leaves", "chord_model", "chord_sums", "chords", "cover"]
        ],
        [
            f"tests/unit/replay/test_{name}.py"
            for name in [
                "chord_forms",
                "chord_looseness",
                "chord_records",
                "chord_refusals",
                "chord_searches",
                "chord_sums",
                "cover_again",
            ]
        ],
    ),
}

# lines whose expressions stay as they are: messages of errors, lines that begin with prose, and
# the small instances that `sample` draws
_TEXTS = [
    r"^\s*raise ",
    r"^\s*require_type\(",
    r'^\s*r?f?"[^"]* [^"]*"',
    "__all__",
    r"\brng\.(standard_normal|random)\(",
]
_KILLED = ("killed", "timeout", "caught by type check", "segfault")

# mutmut hands the tests over in no order: quick ones first kill sooner; examples that fail need
# not be made small
_PLUGIN = """
import json
from pathlib import Path
from hypothesis import Phase, settings

settings.register_profile(
    "mutation", deadline=None, derandomize=True, database=None,
    phases=[Phase.explicit, Phase.generate],
)


def pytest_collection_modifyitems(items):
    path = Path("mutmut-stats.json")
    took = json.loads(path.read_text()).get("duration_by_test", {}) if path.exists() else {}
    items.sort(key=lambda item: took.get(item.nodeid, 0.0))
"""


def copy_project(folder: Path, group: str) -> None:
    """Bring the copy up to date; files that did not change keep their time."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    names = [name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    for name in names:
        new, old = (ROOT / name).read_bytes(), folder / name
        if name == "pyproject.toml":
            new += settings_of(group).encode()
        if not old.is_file() or old.read_bytes() != new:
            old.parent.mkdir(parents=True, exist_ok=True)
            old.write_bytes(new)
            if name.startswith("tests/"):  # which functions it reaches is found out again
                (folder / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)
    kept = {folder / name for name in names} | {folder / "mutation_plugin.py"}
    for old in [*folder.glob("recover/**/*.py"), *folder.glob("tests/**/*.py")]:
        if old not in kept:
            old.unlink()
    (folder / "mutation_plugin.py").write_text(_PLUGIN)


def settings_of(group: str) -> str:
    """Return mutmut's section of the copy's ``pyproject.toml``."""
    files, tests = GROUPS[group]
    mutated = [
        str(path.relative_to(ROOT)) for glob in files for path in sorted(ROOT.glob(glob))
    ]
    options = ["--config-file=", "--ignore-missing-imports", "--follow-imports=silent"]
    checker = [sys.executable, "-m", "mypy", "--output", "json", *options, *mutated]
    values = {
        "source_paths": ["recover"],
        "only_mutate": files,
        "do_not_mutate_patterns": _TEXTS,
        "also_copy": ["data", "examples", "README.md", "mutation_plugin.py"],
        "pytest_add_cli_args": ["-p", "mutation_plugin", "-p", "no:cacheprovider"],
        "pytest_add_cli_args_test_selection": [t for t in tests if (ROOT / t).exists()],
        "type_check_command": checker,
        "timeout_constant": 3.0,
        "timeout_multiplier": 4.0,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n[tool.mutmut]\n" + "\n".join(lines) + "\n"


def run(folder: Path, names: list[str], children: int) -> None:
    """Run mutmut over the mutants that the patterns name; all if there are none."""
    environment = dict(os.environ, HYPOTHESIS_PROFILE="mutation", MPLBACKEND="Agg")
    environment["PYTHONPATH"] = str(folder)  # where the plugin is
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(children), *names]
    subprocess.run(command, cwd=folder, env=environment, check=True)


def survivors_of(folder: Path, digits: str) -> tuple[Counter[str], dict[str, tuple[str, str]]]:
    """Return how many mutants ended how, and of each survivor the function and the diff."""
    with contextlib.chdir(folder):
        from mutmut.mutation.diff_apply import get_diff_for_mutant
        from mutmut.stats import status_by_exit_code

        ends: Counter[str] = Counter()
        alive = {}
        for meta in sorted(Path("mutants/recover").rglob("*.meta")):
            for name, code in json.loads(meta.read_text())["exit_code_by_key"].items():
                if digits and name[-1] not in digits:
                    continue
                end = status_by_exit_code[code]
                ends[end] += 1
                if end not in _KILLED and code is not None:
                    diff = get_diff_for_mutant(name, path=str(meta)[len("mutants/") : -5])
                    alive[name] = (name.rpartition("__mutmut_")[0], diff)
    return ends, alive


def _change(diff: str) -> tuple[str, str]:
    """Return the lines that were, and that became, without their indentation."""
    lines = [line for line in diff.splitlines() if not line.startswith(("---", "+++"))]
    was = " ".join(line[1:].strip() for line in lines if line.startswith("-"))
    now = " ".join(line[1:].strip() for line in lines if line.startswith("+"))
    return was, now


def main() -> int:
    """Mutate one group, and say what survived without a reason."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("group", choices=GROUPS)
    parser.add_argument("--work", type=Path, required=True, help="folder for the copy")
    parser.add_argument("--sample", default="", metavar="DIGITS", help="last digits to take")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="names to take")
    parser.add_argument("--children", type=int, default=2, help="processes")
    parser.add_argument("--report", action="store_true", help="only print the last run")
    asked = parser.parse_args()
    folder = asked.work.resolve() / asked.group
    if not asked.report:
        copy_project(folder, asked.group)
        digits = f"[{asked.sample}]" if asked.sample else ""
        run(folder, [f"{asked.only}{digits}"], asked.children)
    ends, alive = survivors_of(folder, asked.sample)
    listed = Path(__file__).parent / "survivors" / f"{asked.group}.toml"
    entries = tomllib.loads(listed.read_text())["survivor"] if listed.exists() else []
    known = {(entry["where"], entry["was"], entry["now"]) for entry in entries}
    fresh = {n: d for n, (w, d) in alive.items() if (w, *_change(d)) not in known}
    for name, diff in fresh.items():
        print(f"\n{name}", *_change(diff), sep="\n  ")
    tested = sum(ends.values()) - ends["not checked"]
    killed = sum(ends[end] for end in _KILLED)
    print(f"\n{asked.group}: {dict(ends)}")
    print(f"killed {killed} of {tested} ({killed / max(tested, 1):.1%}); ", end="")
    print(f"{len(alive)} survive, {len(fresh)} of them not listed")
    return 1 if fresh else 0


if __name__ == "__main__":
    raise SystemExit(main())
