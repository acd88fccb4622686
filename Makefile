# Two commands do everything: `make demo` and `make test`. Both create the environment first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt
DEMO := demo

.PHONY: demo test slow docs clean

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

clean:
	rm -rf $(VENV) $(DEMO) site .mypy_cache .ruff_cache .pytest_cache
