"""Weights, recipes and states are data: nothing in the package can be made to run them."""

import ast
from pathlib import Path

import pytest

import unblur
from tests.robust.traps import postscript
from unblur.errors import ImageError
from unblur.io.read import read_picture

ROOT = Path(unblur.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
BANNED = {
    *("pickle", "_pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "jsonpickle", "yaml"),
    *("code", "codeop", "runpy", "pty", "imp"),
}
"""Modules that execute what they read."""
HARMLESS = {("pickle", "UnpicklingError")}
"""What may be used of them: the name of an error."""
CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "torch.jit.load", "torch.hub.load"}
LOADERS = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}


def complaints(source: str) -> list[str]:
    """What in a file could execute data."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in BANNED:
            found.append(f"line {node.lineno} imports from {node.module}")
        if isinstance(node, ast.ImportFrom) and node.module in ("torch", "numpy"):
            found += [f"line {node.lineno} hides a load" for name in node.names if name.name == "load"]
        if isinstance(node, ast.Import):
            banned = [name for name in node.names if name.name.split(".")[0] in BANNED]
            found += [f"line {node.lineno} renames {name.name}" for name in banned if name.asname]
            found += [f"line {node.lineno} imports {name.name}" for name in banned if name.name != "pickle"]
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            used = node.value.id, node.attr
            if used[0] in BANNED and used not in HARMLESS:
                found.append(f"line {node.lineno} uses {'.'.join(used)}")
        if isinstance(node, ast.Call):
            found += _call(node)
    return found


def _call(node: ast.Call) -> list[str]:
    name = ast.unparse(node.func)
    said = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
    if name in CALLS or name.removeprefix("builtins.") in CALLS:
        return [f"line {node.lineno} calls {name}"]
    if said.get("shell") == "True":
        return [f"line {node.lineno} starts a shell"]
    loader = LOADERS.get(name.replace("numpy.", "np."))
    if loader and said.get(loader[0]) != str(loader[1]):
        return [f"line {node.lineno} calls {name} without {loader[0]}={loader[1]}"]
    return []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_in_the_package_executes_data(path: Path) -> None:
    assert complaints(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle\npickle.load(file)",
        "import pickle as p",
        "from pickle import loads",
        "import torch\ntorch.load(path)",
        "import torch\ntorch.load(path, weights_only=False)",
        "from torch import load",
        "import numpy as np\nnp.load(path, allow_pickle=True)",
        "import numpy\nnumpy.load(path)",
        "eval('1')",
        "import builtins\nbuiltins.exec('1')",
        "import yaml",
        "import subprocess\nsubprocess.run('ls', shell=True)",
    ],
)
def test_what_would_execute_data_is_found(source: str) -> None:
    assert complaints(source)


def test_a_program_in_postscript_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="not a picture that can be read"):  # and not: Ghostscript failed
        read_picture(postscript(tmp_path))


def test_the_name_of_an_error_is_harmless() -> None:
    assert complaints("import pickle\ntry: pass\nexcept pickle.UnpicklingError: pass") == []
