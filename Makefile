# The README's commands. Each sets up what it needs; a second run costs about a second for that.
PYTHON ?= python3
STACK ?= local
RUN := .venv/bin/python -m
# Hundreds of Python programs start in a test run; each reads its compiled modules in place of compiling them again.
unexport PYTHONDONTWRITEBYTECODE

# PROFILE=plan: without torch and the tests, for who plans and rehearses clouds only. The targets below that can do with
# it keep the profile that is there; the others say that they need the full one.
PROFILE = full
MODE = $(PROFILE)
rehearse lab schema: MODE = present
demo test test-lab check bench bench-lab golden: MODE = whole

.PHONY: setup demo test test-lab check rehearse lab bench bench-lab golden schema images

setup: ## the environment and the engine; PROFILE=plan for a smaller one
	@$(PYTHON) -m tools.bootstrap $(MODE)

demo: setup ## train a model on this machine, lose a worker, serve the model, take it all down
	@$(RUN) penstock.demo

# Much of a rehearsal is waiting, so three files run side by side; what shares something slow runs in one process.
BESIDE := -n 3 --dist loadfile --no-loadscope-reorder --durations=15

test: setup ## every test but those of the lab
	@$(RUN) pytest $(BESIDE) --ignore tests/lab

test-lab: setup ## the lab's tests: real Kubernetes control planes on this machine; the first time their programs are brought
	-@$(RUN) tools.ray
	@$(RUN) tools.lab
	@$(RUN) pytest $(BESIDE) tests/lab

check: setup ## style, types, import contracts and unit tests
	@$(RUN) ruff format --check --quiet .
	@$(RUN) ruff check --quiet .
	@$(RUN) tools.docstrings
	@.venv/bin/lint-imports
	@.venv/bin/hadolint images/cuda/Containerfile
	@$(RUN) tools.typecheck & types=$$!; \
	$(RUN) pytest -q -n 2 --durations=15 tests/unit tests/catalog tests/golden tests/contract tests/properties; \
	tests=$$?; \
	wait $$types && exit $$tests

rehearse: setup ## up, up again, refresh, destroy of STACK through the real engine
	@.venv/bin/penstock rehearse cycle $(STACK)

lab: setup ## a real Kubernetes control plane on this machine; the first time its programs are brought
	@.venv/bin/penstock lab up

bench: setup ## the figures of docs/benchmarks.md
	@$(RUN) bench

bench-lab: setup ## the lab's figures: gangs of 1,024 nodes, a queue of 500 jobs; three quarters of an hour
	@$(RUN) bench.lab

golden: setup ## rewrite the expected plans after a wanted change
	@UPDATE_GOLDEN=1 $(RUN) pytest -q tests/golden

schema: setup ## docs/stack.schema.json, for editors
	@.venv/bin/penstock schema

images: ## the images that STACK pulls from its own registry: built, pushed, their digests written down; docs/images.md
	@.venv/bin/penstock images push $(STACK)
