# Every target installs what it needs and is safe to repeat; README.md says what each is for.
SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin

.PHONY: help
help: ## this list
	@grep -hE '^[a-z0-9 -]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 32

.PHONY: setup
setup: ## install what the project needs on this machine
	@bash infra/local/setup.sh

.PHONY: demo
demo: setup ## buy courses and a study material, give a course back, and show each step
	@$(BIN)/python -m infra.local.demo

.PHONY: up
up: setup ## serve the local stack until Ctrl-C
	@$(BIN)/python -m infra.local.up

.PHONY: test
test: setup ## everything CI runs
	@$(BIN)/python -m infra.local.suites

.PHONY: lint
lint: setup ## style and import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

.PHONY: types
types: setup ## mypy, strict
	@$(BIN)/mypy

.PHONY: unit contract integration e2e
unit contract integration e2e: setup ## one suite of tests
	@$(BIN)/pytest tests/$@

.PHONY: chaos
chaos: setup ## 1,000 messages through a random sequence of faults (SEED=n: an earlier one)
	@$(BIN)/python -m tests.chaos --messages 1000 $(if $(SEED),--seed $(SEED))

.PHONY: explore
explore: setup ## the state machine of payments, much longer and at random
	@HYPOTHESIS_PROFILE=explore $(BIN)/pytest tests/integration/orders/test_machine.py

.PHONY: bench
bench: setup ## ratios of what was measured against the usual way
	@$(BIN)/python -m bench.publish

.PHONY: format
format: setup ## rewrite the layout of the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: clean
clean: ## remove what the commands above made
	rm -rf .venv .venv-* .local build
