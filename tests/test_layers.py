"""The laws of the house: imports point down, nothing executes data, no room without a name of the field."""

import ast
from pathlib import Path

import pytest

import unblur

FLOORS = [
    "errors",
    "tensors",
    "devices precision colour fourier differences",
    "boundary metrics",
    "psf inverse orientation",
    "degrade",
    "solvers networks",
    "compact",
    "weights circular",
    "deconvolvers",
    "universal trained method",
    "baselines",
    "methods",
    "io tiling crop blind",
    "bands",
    "stored extension",
    "plan",
    "residual measurement override",
    "streaming",
    "restoration estimation",
    "folder",
    "train benchmark serve interop",
    "reproduce",
    "cli",
    "__main__",
]
FLOOR = {name: floor for floor, names in enumerate(FLOORS) for name in names.split()}
ROOT = Path(unblur.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    nodes = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.ImportFrom)]
    return {node.module.split(".")[1] for node in nodes if node.module and node.module.startswith("unblur.")}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    here = room(path)
    if here == "__init__":
        return
    assert here in FLOOR, f"{here} has no floor; give it one in FLOORS"

    above = {used for used in imports(path) if used != here and FLOOR[used] >= FLOOR[here]}

    assert not above, f"{path.relative_to(ROOT)} reaches up to {sorted(above)}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_executes_data(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))

    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("eval", "exec", "compile", "__import__"), (
                f"{node.func.id} at line {node.lineno}"
            )
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = f"{ast.unparse(node.func.value)}.{node.func.attr}"
            keywords = {keyword.arg: keyword.value for keyword in node.keywords}
            if name in ("np.load", "numpy.load"):
                assert ast.unparse(keywords["allow_pickle"]) == "False", f"line {node.lineno}"
            if name == "torch.load":
                assert ast.unparse(keywords["weights_only"]) == "True", f"line {node.lineno}"
            assert not name.startswith(("pickle.load", "marshal.")), f"{name} at line {node.lineno}"


def test_every_room_has_a_name_of_the_field() -> None:
    banned = {"utils", "helpers", "common", "misc", "manager", "wrapper"}

    assert not banned & {path.stem for path in FILES}
