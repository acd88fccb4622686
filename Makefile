# Two commands do everything: `make demo` and `make test`. Both create the environment first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt
DEMO := demo

.PHONY: demo test slow docs gallery test-deepinv nightly long-training clean

# pip 25.1 and later read [dependency-groups]; the pip of a fresh Python may be older.
$(VENV)/.base: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) "pip>=25.1"
	$(PIP) -e .
	touch $@

$(VENV)/.dev: $(VENV)/.base
	$(PIP) --group dev
	touch $@

demo: $(VENV)/.base  ## restore a bundled photograph: demo/before-after.png and demo/restored.png
	mkdir -p $(DEMO)
	$(BIN)/unblur restore examples/photographs/out-of-focus.jpg --psf disk:7 --transfer encoded \
		-o $(DEMO)/restored.png --compare $(DEMO)/before-after.png --overwrite

test: $(VENV)/.dev  ## format, lint, types, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2

slow: $(VENV)/.dev  ## the tests that take minutes, too
	$(BIN)/pytest -n 2 -m "slow or not slow"

docs: $(VENV)/.dev  ## the manual as a site, in site/
	$(PIP) --group docs
	$(BIN)/mkdocs build --quiet

gallery: $(VENV)/.dev  ## the manual's pictures again, in docs/pictures/gallery: minutes, for one scene trains
	$(BIN)/python examples/gallery.py -o docs/pictures/gallery

test-deepinv:  ## our model against the real deepinv, in an environment of its own: it brings a torchvision that fits no PyTorch
	test -x .venv-deepinv/bin/python || $(PYTHON) -m venv .venv-deepinv
	.venv-deepinv/bin/python -m pip install --disable-pip-version-check --quiet -c constraints.txt "pip>=25.1"
	.venv-deepinv/bin/python -m pip install --disable-pip-version-check --quiet -c constraints.txt -e ".[deepinv]" \
		pytest jaxtyping beartype
	.venv-deepinv/bin/python -m pytest -W default tests/interop/against_deepinv.py

nightly: $(VENV)/.dev  ## damaged files, ordeals, kills and a long run by the thousand: runs/nightly/report.md; an hour or so
	PYTHONPATH=. $(BIN)/python scripts/nightly.py -o runs/nightly

MINUTES := 120
long-training: $(VENV)/.dev  ## train for MINUTES and fail if the process grows
	PYTHONPATH=. $(BIN)/python -m tests.robust.long_training --minutes $(MINUTES)

clean:
	rm -rf $(VENV) .venv-deepinv $(DEMO) site .mypy_cache .ruff_cache .pytest_cache
