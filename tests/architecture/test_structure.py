"""The structure of the package is itself checked: arrows, sizes, names, cost of import."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import recover

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "recover"
FILES = sorted(PACKAGE.rglob("*.py"))
MAX_LINES, MAX_FUNCTION = 300, 60


def test_imports_point_down():
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_functions_stay_small(path):
    text = path.read_text()
    assert len(text.splitlines()) <= MAX_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert not node.args.kwarg, f"{node.name} takes **{node.args.kwarg.arg}"
            body = node.body[1:] if ast.get_docstring(node) else node.body
            if body:
                lines = body[-1].end_lineno - body[0].lineno + 1
                assert lines <= MAX_FUNCTION, f"{node.name} has {lines} lines"


def test_every_public_name_exists():
    for name in recover.__all__:
        assert getattr(recover, name) is not None
    assert set(recover.__all__) <= set(dir(recover))
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = recover.no_such_name


def test_import_loads_nothing_heavy():
    code = (
        "import sys, recover; "
        "print([m for m in ('scipy.signal', 'skimage', 'matplotlib', 'scipy', 'click') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("module", ["frames", "methods", "priors"])
def test_exports_are_real(module):
    names = importlib.import_module(getattr(recover, module).__name__).__all__
    for name in names:
        assert hasattr(getattr(recover, module), name)


def test_no_trace_of_the_workshop():
    """No machine path or package index address is in what is shipped."""
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if tracked.returncode != 0:
        pytest.skip("not a git checkout")
    words = ["/" + "work/", "/" + "tmp/venv", "pypi." + "org", "files.python" + "hosted"]
    for name in filter(None, tracked.stdout.split("\0")):
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".json"} or name == ".ci/run":
            text = path.read_text()
            for word in words:
                assert word not in text, f"{name} contains {word}"


def public_members():
    for path in FILES:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        module = importlib.import_module(name.removesuffix(".__init__"))
        for attribute, member in vars(module).items():
            own = getattr(member, "__module__", "") == module.__name__
            if own and not attribute.startswith("_") and callable(member):
                yield f"{name}.{attribute}", member


def test_everything_public_is_documented():
    missing = []
    for name, member in public_members():
        if not inspect.getdoc(member):
            missing.append(name)
        if inspect.isclass(member):
            missing += [
                f"{name}.{attribute}"
                for attribute, value in vars(member).items()
                if not attribute.startswith("_")
                and (inspect.isfunction(value) or isinstance(value, property))
                and not inspect.getdoc(getattr(member, attribute))
            ]
    assert missing == []
