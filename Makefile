# The only list of commands. `make run` and `make test` do all the set-up themselves on a fresh Debian 12 with Python 3.11 and Rust
# (by rustup: Debian's cargo is too old; Cargo.toml says which version is needed).
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CARGO ?= cargo
export PIP_DISABLE_PIP_VERSION_CHECK = 1

# What the build and the tests need from Debian: program or file, then package.
DEPS_BUILD := cc:build-essential cmake:cmake perl:perl
DEPS_TEST := sipp:sip-tester baresip:baresip
DEPS_MUSIC := fluidsynth:fluidsynth /usr/share/sounds/sf2/FluidR3_GM.sf2:fluid-soundfont-gm oggenc:vorbis-tools

.DEFAULT_GOAL := help
.PHONY: help run test check build rust deps deps-test format bench fuzz music lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: build ## builds what is missing, then starts `roomtone dev` and says what to try
	@exec $(BIN)/roomtone dev

test: rust deps-test check ## everything that CI runs
	$(CARGO) test --workspace
	$(BIN)/python -m pytest -q

check: build ## format, lint, types, import direction, clocks
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) clippy -p roomtone-engine --features portable -- -D warnings
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict -p roomtone
	$(BIN)/python -m pytest -q tests/unit/test_tree.py

build: $(BIN)/.built ## leaves a working .venv/bin/roomtone

# Debian packages are installed here and nowhere else, and only when something is missing.
define need
	@missing=""; for pair in $(1); do command -v "$${pair%%:*}" >/dev/null 2>&1 || [ -e "$${pair%%:*}" ] || missing="$$missing $${pair##*:}"; done; \
	$(PYTHON) -c 'import ensurepip' 2>/dev/null || missing="$$missing python3-venv"; \
	if [ -n "$$missing" ]; then \
	  echo "roomtone: installing Debian packages:$$missing ($(2))"; \
	  sudo=""; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
endef

deps: ## Debian packages for building: python3-venv, and a C compiler, cmake and perl for libopus
	$(call need,$(DEPS_BUILD),to build: libopus is compiled from source)

deps-test: deps ## Debian packages for the tests (telephones that are not ours)
	$(call need,$(DEPS_TEST),telephones for the tests)

# `trap '' INT` before a Python of a few seconds: an interrupt then ends make, with its one line, and not Python with a traceback.

# Before anything is installed or compiled: a plain sentence instead of cargo's own.
RUST_NEEDED := $(shell sed -n 's/^rust-version *= *"\(.*\)"/\1/p' Cargo.toml)
rust:
	@have="$$($(CARGO) --version 2>/dev/null | awk '$$1 == "cargo" { print $$2 }')"; \
	if [ -z "$$have" ] || [ "$$(printf '%s\n' "$(RUST_NEEDED)" "$$have" | sort -V | head -n 1)" != "$(RUST_NEEDED)" ]; then \
	  echo "roomtone: Rust $(RUST_NEEDED) or newer is needed, and there is $${have:-none}: install it by https://rustup.rs (Debian's cargo is too old), then \`make\` again" >&2; \
	  exit 2; \
	fi

$(BIN)/python: | rust deps
	@echo "roomtone: making the Python environment"
	@trap '' INT; $(PYTHON) -m venv $(VENV)

$(BIN)/.locked: requirements.lock | $(BIN)/python
	@echo "roomtone: installing Python packages (a minute)"
	@trap '' INT; $(BIN)/python -m pip install -q uv
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip sync -q requirements.lock
	@touch $@

RUST_SOURCES := Cargo.toml Cargo.lock src/roomtone/_native.pyi $(shell find crates -name '*.rs' -o -name Cargo.toml)

$(BIN)/.built: $(RUST_SOURCES) pyproject.toml $(BIN)/.locked | rust deps
	@[ -e $@ ] || echo "roomtone: compiling the media core (the first time three to five minutes)"
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/maturin develop --uv --release
	@touch $@

format: build ## rewrites the sources as `check` wants them
	$(CARGO) fmt --all
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: build ## speed and memory; results and method in benches/README.md
	$(CARGO) bench -p roomtone-media -p roomtone-sip
	$(BIN)/python benches/load.py

FUZZ_SECONDS ?= 60
FUZZ_TOOLS := $(CURDIR)/target/fuzz-tools
# libFuzzer needs flags that only a nightly compiler takes; without one, the stable compiler is told to take them.
FUZZ_CARGO := $(shell rustup toolchain list 2>/dev/null | grep -q '^nightly' && echo 'cargo +nightly' || echo 'env RUSTC_BOOTSTRAP=1 cargo')

fuzz: ## a minute of each fuzz target, one after the other (FUZZ_SECONDS=300 for longer)
	@PATH="$(FUZZ_TOOLS)/bin:$$PATH"; command -v cargo-fuzz >/dev/null || $(CARGO) install -q --root $(FUZZ_TOOLS) cargo-fuzz
	@export PATH="$(FUZZ_TOOLS)/bin:$$PATH"; cd fuzz && for target in $$(cargo fuzz list); do \
	  mkdir -p corpus/$$target && $(FUZZ_CARGO) fuzz run $$target corpus/$$target seeds ../crates/sip/tests/rfc4475 -- \
	    -max_total_time=$(FUZZ_SECONDS) -max_len=8192 || exit 1; done

music: build ## renders the hold music anew from its scores (needs fluidsynth and a sound font)
	$(call need,$(DEPS_MUSIC),to render the hold music)
	$(BIN)/python -m roomtone.music.render

lock: $(BIN)/python ## requirements.lock from pyproject.toml, with hashes and without addresses
	$(BIN)/uv pip compile -q pyproject.toml --group dev --no-emit-find-links --generate-hashes --python-version 3.11 -o requirements.lock

clean: ## removes what was built
	rm -rf target $(VENV)
