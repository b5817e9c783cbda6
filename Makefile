# `make` alone lists the targets. What they need is installed into .venv first; nothing else on the machine is touched.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV ?= .venv
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,$(shell \
	$(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
RUN := $(VENV)/bin/python
INPUTS := pyproject.toml sdk/pyproject.toml constraints.txt
ARGS ?=
JOBS ?= 3

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

# pip is quiet unless it fails. Byte code is written for what is imported, here and now: the sandbox cannot write it, and most of torch is never imported.
define install
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed: make PYTHON=/path/to/python3"; exit 1; }
	@echo "installing into $(VENV): about a minute, more where packages come from afar; $(VENV)/install.log grows meanwhile"
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install --no-compile --disable-pip-version-check -c constraints.txt \
		-e '.[$(strip $(EXTRAS))]' -e './sdk[arrays,openai]' > $(VENV)/install.log 2>&1 \
		|| { cat $(VENV)/install.log; exit 1; }
	@env -u PYTHONDONTWRITEBYTECODE $(RUN) -c "import onnx, onnxruntime, pyarrow.compute, pyarrow.csv, pyarrow.parquet, safetensors.torch, tokenizers, torch, torch.nn.functional, torch.optim"
	@env -u PYTHONDONTWRITEBYTECODE $(RUN) -m compileall -q distill spec
	@env -u PYTHONDONTWRITEBYTECODE $(RUN) -c "import alembic.command, celery.bin.celery, fastapi, psycopg, sqlalchemy.ext.asyncio, structlog, uvicorn"
endef

$(VENV)/ready: EXTRAS = distill,standalone,demo
$(VENV)/ready: $(INPUTS)
	$(install)
	@touch $@

$(VENV)/ready-dev: EXTRAS = distill,standalone,demo,dev
$(VENV)/ready-dev: $(INPUTS)
	$(install)
	@touch $(VENV)/ready $@

.PHONY: demo up test proofs check format docs
demo: $(VENV)/ready ## the whole way: services, teachers, two jobs, their reports (ARGS="--seed 2", "--shuffle-teacher")
	@$(RUN) -m examples.demo $(ARGS)

up: $(VENV)/ready ## the stack in the foreground; prints the URL and, the first time, an admin key (ARGS="--port 8401")
	@$(RUN) -m standalone up $(ARGS)

test: $(VENV)/ready-dev ## all tests (ARGS="tests/spec -k rules"; JOBS=3 processes, each a whole file at a time)
	@$(RUN) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder -m "not proof" $(ARGS)

proofs: $(VENV)/ready-dev ## the tests that `make test` leaves out for its time: longer or second proofs of the same
	@$(RUN) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder -m proof $(ARGS)

check: $(VENV)/ready-dev ## format, lint, types, import contracts, migrations, generated documents
	@$(RUN) -m ruff format --check .
	@$(RUN) -m ruff check .
	@$(RUN) -m mypy
	@$(VENV)/bin/lint-imports
	@$(RUN) -m standalone run -- $(RUN) -m alembic check
	@$(RUN) -m docs.generate --check

format: $(VENV)/ready-dev ## format the code and mend what can be mended by machine
	@$(RUN) -m ruff check --fix-only .
	@$(RUN) -m ruff format .

docs: $(VENV)/ready-dev ## write what is generated: the OpenAPI document, the SDK's types, references
	@$(RUN) -m docs.generate

.PHONY: bench-hinton bench-service bench-blackbox bench-tokens bench-caps chaos
bench-hinton: $(VENV)/ready-dev ## the paper's figures beside ours (STILLHOUSE_MNIST=/path/to/idx/files)
	@$(RUN) -m benchmarks.hinton $(ARGS)

bench-service: $(VENV)/ready-dev ## each speed beside its anchor, in one run
	@$(RUN) -m benchmarks.service $(ARGS)

bench-blackbox: $(VENV)/ready-dev ## students of a teacher that is only asked (STILLHOUSE_TEXTS=/path/with/sst2/and/trec), and how fast it is asked
	@$(RUN) -m benchmarks.answers
	@$(RUN) -m benchmarks.blackbox $(ARGS)

bench-tokens: $(VENV)/ready-dev ## the tokens that a first price expects, beside real tokenizers' (STILLHOUSE_TEXTS for more sets)
	@test -d build/tokenizers/polib-1.2.0.dist-info || $(RUN) -m pip install -q --disable-pip-version-check --no-compile --no-deps --target build/tokenizers \
		litellm==1.110.2 dashscope==2.0.2 mistral-common==1.13.1 django==5.2.19 tiktoken==0.14.0 regex sentencepiece polib==1.2.0
	@$(RUN) -m benchmarks.tokens --packages build/tokenizers

bench-caps: $(VENV)/ready-dev ## whole jobs under caps in dollars, by the endpoint's own ledger (ARGS="--jobs 12")
	@$(RUN) -m benchmarks.caps $(ARGS)

chaos: $(VENV)/ready-dev ## 100 jobs under kills and freezes (ARGS="--seed 1")
	@$(RUN) -m tests.chaos.campaign $(ARGS)

.PHONY: clean
clean: ## remove the environment and caches; the data of `make up` stays
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -not -path './data/*' -prune -exec rm -rf {} +
