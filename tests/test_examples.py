import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_the_defocus_example_sharpens_the_bundled_photograph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["restore_defocus.py", str(tmp_path)])

    runpy.run_path(str(EXAMPLES / "restore_defocus.py"), run_name="__main__")

    blurred = np.asarray(Image.open(EXAMPLES / "photographs" / "out-of-focus.jpg").convert("L"), np.float64)
    for method in ("wiener", "odcnn"):
        restored = np.asarray(Image.open(tmp_path / f"{method}.png").convert("L"), np.float64)
        assert restored.shape == blurred.shape
        assert np.abs(np.diff(restored)).mean() > 1.3 * np.abs(np.diff(blurred)).mean()
