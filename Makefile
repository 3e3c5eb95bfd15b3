# make demo   install what is missing, then fit real data from R and from Python: a table and a picture
# make test   install what is missing, then run all fast tests, Python and R
# make quick  run the tests of the files that were changed
.DEFAULT_GOAL := help
SHELL := /bin/bash

VENV := .venv
PY := $(VENV)/bin/python
RLIB := .Rlib
OUT := demo-output
LOCKS := inst/constraints/requirements.txt requirements-dev.txt
R_SOURCES := DESCRIPTION NAMESPACE NEWS.md $(wildcard R/*.R man/*.Rd data/*.rda inst/constraints/* inst/extdata/*) \
  $(shell find python/gbtm -type f -not -path '*__pycache__*')

export R_LIBS := $(CURDIR)/$(RLIB)
export GBTM_PYTHON := $(CURDIR)/$(PY)
export PYTHONPATH := $(CURDIR)/python
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help setup system install-r demo test quick test-python test-r test-slow accuracy cases lint tables docs check wheel bench clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 14

setup: system $(VENV)/.ready $(RLIB)/.ready ## .venv with the locked engine, what is missing of R, the R package in .Rlib

system:
	@bash scripts/system.sh

$(VENV)/.ready: $(LOCKS) | system
	@echo "Making $(VENV) with the locked engine (a few minutes the first time)"
	@base=$$(bash scripts/python.sh) && $$base -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check $(foreach f,$(LOCKS),-r $(f))
	@touch $@

install-r: $(RLIB)/.ready ## the R package into .Rlib

$(RLIB)/.ready: $(R_SOURCES) | system
	@mkdir -p $(RLIB)
	@find python -name __pycache__ -type d -prune -exec rm -rf {} +
	@R CMD INSTALL --no-test-load --library=$(RLIB) . > $(RLIB)/install.log 2>&1 || { cat $(RLIB)/install.log; exit 1; }
	@touch $@

demo: setup ## fit real data from R and from Python; tables and pictures in demo-output
	@mkdir -p $(OUT)
	Rscript examples/demo.R $(OUT)
	$(PY) examples/demo.py $(OUT)
	@echo; echo "Written:"; ls -1 $(OUT)/*

test: setup test-python test-r ## all fast tests, Python and R; nothing is skipped for want of R or of the engine

quick: ## the tests of the files that were changed; R only where its files were
	@test -x $(PY) || $(MAKE) setup
	@$(PY) scripts/quick.py

test-python: setup
	@bash scripts/system.sh test
	OMP_NUM_THREADS=1 GBTM_REQUIRE_R=1 $(PY) -m pytest -n $$(getconf _NPROCESSORS_ONLN) --dist loadgroup

test-r: setup
	GBTM_REQUIRE_ENGINE=1 Rscript -e 'testthat::test_dir("tests/testthat", package = "gbtm", load_package = "installed", reporter = c("summary", "fail"), stop_on_failure = TRUE)'

test-slow: setup ## the slow tests: coverage, simulations, all seeds
	@bash scripts/system.sh test
	GBTM_REQUIRE_R=1 $(PY) -m pytest -m slow

accuracy: setup ## how many digits are right, against mpmath; writes docs/accuracy.md: a minute of a core
	OMP_NUM_THREADS=1 $(PY) -m pytest -n 0 -m slow tests/python/test_accuracy.py

cases: setup ## tests/shared anew: small fits, and what both languages must make of them
	OMP_NUM_THREADS=1 $(PY) tests/shared/make_fits.py
	$(PY) tests/shared/make_cases.py

lint: setup ## ruff, mypy, lintr
	@bash scripts/system.sh dev
	$(PY) -m ruff check python tests/python tests/shared examples benchmarks scripts
	$(PY) -m mypy
	Rscript scripts/lint.R

tables: setup ## what R has to know of the families, from the engine
	$(PY) scripts/tables.py

docs: setup ## Rd pages and NAMESPACE from the R sources
	@bash scripts/system.sh dev
	Rscript -e 'roxygen2::roxygenise()'

check: setup ## R CMD check --as-cran without and with an engine (CHECK=without or CHECK=with: one of them): no error, warning or note
	@bash scripts/check.sh $(CHECK)

check-modern: ## check, wheel and Python tests on Debian trixie (R 4.5, Python 3.13) in build/trixie, made with debootstrap
	@bash scripts/check_modern.sh

test-oldest: ## the fast Python tests with the oldest versions that pyproject.toml admits, in build/oldest
	@bash scripts/oldest.sh

wheel: $(VENV)/.ready ## sdist and wheel in dist/, and a fit by a bare environment that has the wheel, from another folder
	@bash scripts/wheel.sh $(PY)

bench: setup ## ours beside flexmix, and alone up to a million subjects; writes benchmarks/RESULTS.md
	@bash scripts/system.sh bench
	$(PY) benchmarks/bench.py

site: setup ## the documentation site in site/: tutorials run, references of both languages, every link checked
	@bash scripts/site.sh

vignettes: setup ## vignettes/ from the tutorials: the R parts, with their results
	@bash scripts/system.sh site
	Rscript scripts/vignettes.R

screenshots: ## five pages of site/ as a phone and a desk show them, in build/site/screenshots
	@$(VENV)/bin/python scripts/screenshots.py

BASE ?= HEAD
golden: $(VENV)/.ready ## digits of all reference cases, commit BASE (default HEAD) beside the working tree: 2.5 minutes of a core each
	@OMP_NUM_THREADS=1 bash scripts/golden.sh $(BASE) $(PY)

LIMIT ?= 1800
mutate: $(VENV)/.ready ## small faults in MODULE=families/beta that its tests (TESTS= further files) do not notice; LIMIT= seconds
	@$(PY) scripts/mutate.py $(MODULE) --limit $(LIMIT) --tests $(TESTS)

architecture: $(VENV)/.ready ## docs/architecture.svg and its table, drawn from the imports
	@$(PY) scripts/architecture.py

hooks: $(VENV)/.ready ## lint before every commit (ruff, mypy, lintr)
	@bash scripts/system.sh dev
	@$(VENV)/bin/pre-commit install

.PHONY: check-modern test-oldest golden mutate architecture hooks site vignettes screenshots

clean: ## remove what was made, but not .venv and .Rlib
	rm -rf $(OUT) build dist site *.Rcheck gbtm_*.tar.gz
