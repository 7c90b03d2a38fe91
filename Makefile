# The workshop: every command this project needs, each with its sentence. `make` alone prints them.
#
# All it asks for is make and a python3. `setup` brings its own uv from PyPI when there is none, and
# everything it makes lies in .venv, .uv and frontend/node_modules, where `make distclean` finds it.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
# Any directory that offers a `hadolint` on PATH is used by `lint`; nobody is made to install it.
HADOLINT := $(shell command -v hadolint 2>/dev/null)
# What the web page is built from; empty until there is a front end, and then `frontend` has nothing to do.
PAGE := memebattle/gateway/static/app/index.html
PAGE_SOURCES := $(if $(wildcard frontend/package.json),$(shell find frontend -type f \
	-not -path '*/node_modules/*' -not -path '*/dist/*'))

.PHONY: help setup frontend demo test lint spec chaos-quick bench page-test browser-test lock env-example tables \
	dashboard chart-docs chart-test scaling-rehearsal image-rehearsal clean distclean

help: ## print this list
	@echo "make <target> [ARGS='...']"
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1|\2/p' Makefile | \
		while IFS='|' read -r name text; do printf '  %-17s %s\n' "$$name" "$$text"; done

setup: $(BIN)/.ready ## make .venv with all that demo and tests need, and build the web page
	@$(MAKE) frontend || { \
		echo "setup: the web page was not built; everything else works. 'make frontend' tries again." >&2; }

# The stamp holds what .venv was made from: a changed lock or pyproject makes it again, nothing else does.
$(BIN)/.ready: pyproject.toml requirements-dev.lock .python-version scripts/setup.sh
	@sh scripts/setup.sh
	@touch $@

frontend: $(if $(PAGE_SOURCES),$(PAGE)) ## build the web page into the package (npm; node from PyPI if missing)
	@:

$(PAGE): $(PAGE_SOURCES) scripts/build-frontend.sh
	@sh scripts/build-frontend.sh
	@touch $@

demo: setup ## run everything on this machine: NATS, Valkey, two workers, the web page
	@$(BIN)/memebattle demo $(ARGS)

test: setup ## run the tests against real embedded servers, and the page in Chromium if there is one (ARGS='-k words')
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

lint: $(BIN)/.ready ## check style, types, the storeys of the house and, with hadolint installed, the Dockerfile
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(if $(HADOLINT),$(HADOLINT) Dockerfile,echo "lint: no hadolint here, the Dockerfile is left to its tests")

spec: $(BIN)/.ready ## write asyncapi/asyncapi.yaml from the code
	@$(BIN)/memebattle spec $(ARGS)

chaos-quick: $(BIN)/.ready ## kill workers and servers under load for a short while and count the answers
	@$(BIN)/python -m tests.chaos.quick $(ARGS)

bench: $(BIN)/.ready ## measure memes per second and latency on this machine
	@$(BIN)/memebattle bench memes $(ARGS)

page-test: setup ## test the page's pure parts (Vitest)
	@sh scripts/build-frontend.sh test

browser-test: setup ## only drive the web page in a real Chromium
	@$(BIN)/python -m pytest tests/browser -n 2 --dist loadfile $(ARGS)

lock: $(BIN)/.ready ## resolve the dependencies anew into both lock files (ARGS=--upgrade for newer ones)
	@sh scripts/setup.sh lock $(ARGS)

tables: $(BIN)/.ready ## write the tables of README.md from the declarations
	@$(BIN)/python scripts/write-tables.py

env-example: $(BIN)/.ready ## write .env.example from the settings
	@$(BIN)/python scripts/write-env-example.py

dashboard: $(BIN)/.ready ## write the Grafana dashboard from scripts/dashboard.yaml
	@$(BIN)/python scripts/write-dashboard.py

chart-docs: $(BIN)/.ready ## write the chart's README and values.schema.json from its values and the settings
	@$(BIN)/python scripts/write-chart-docs.py

chart-test: $(BIN)/.ready ## run the chart's tests, all without a cluster (ARGS='-k words' for some)
	@$(BIN)/python -m pytest tests/chart -n 2 --dist loadfile $(ARGS)

scaling-rehearsal: $(BIN)/.ready ## scale 0 to 10 to 0 over 600 requests, with processes for pods and a timeline
	@$(BIN)/python -m tests.chart.rehearsal $(ARGS)

image-rehearsal: ## take the Dockerfile's steps by hand in a clean directory, without a container engine
	@sh scripts/rehearse-image.sh $(ARGS)

clean: ## remove caches and what was built
	@rm -rf dist build out .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@rm -rf memebattle/gateway/static/app
	@find . \( -path ./.venv -o -path ./.uv -o -path ./frontend \) -prune -o \
		-name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## remove .venv, .uv and node_modules too: back to a fresh clone
	@rm -rf .venv .uv frontend/node_modules
