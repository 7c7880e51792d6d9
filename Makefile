# The commands of this project. `make help` lists them.
#
# Needed on the machine: Rust (rustup or a distribution's, at least the version in Cargo.toml), Python 3.11, Node 20
# and make. Everything else is installed into `.local/`, `infrastructure/node_modules/` and `target/` of this checkout.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := $(CURDIR)/.local/venv
export MINISTACK_PYTHON := $(CURDIR)/.local/ministack/bin/python
export BROWSER_HOME := $(CURDIR)/.local/browser
export PATH := $(VENV)/bin:$(CURDIR)/infrastructure/node_modules/.bin:$(PATH)
export PYTHONDONTWRITEBYTECODE := 1
# The banner about the age of Node 20 would hide what matters.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 1
# Tests and demo import the local AWS and the sample account by name.
export PYTHONPATH := $(CURDIR)/tests/local_aws:$(CURDIR)/tests/accounts

TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
FUNCTIONS := $(patsubst functions/%/Cargo.toml,%,$(wildcard functions/*/Cargo.toml))
CARGO := cargo --locked
CDK := cd infrastructure && cdk
# How the functions are built for AWS Lambda. On a system with a newer glibc than AWS Lambda's, or of another processor,
# cargo-zigbuild does it: LAMBDA_BUILD="cargo zigbuild --locked" LAMBDA_TARGET=x86_64-unknown-linux-gnu.2.34
LAMBDA_BUILD ?= $(CARGO) build
LAMBDA_TARGET ?=
# Settings for the targets that synthesize or deploy, for instance
# make deploy SETTINGS="-c environment=prod -c environmentSuffix=main …".
SETTINGS ?=
# Cargo unifies the features of packages that it builds together, and the command needs some that the functions do without:
# of aws-config for the credentials of people, of tokio for signals. What is shipped or measured is built without it.
RELEASED := --workspace --exclude compliance-audit --bins --release
# PREFLIGHT=--allow-unchecked deploys although something could not be checked.
PREFLIGHT ?=
# Which changes the CDK asks about before it deploys them. Without a terminal it cannot ask: APPROVAL=never.
APPROVAL ?= broadening
APPROVALS := never broadening any-change

PYTHON_SOURCES := functions infrastructure tests

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- Try it ---------------------------------------------------------------------------------------------------------

.PHONY: demo
demo: setup bundles-dev ## Watch a real scan of a sample account on the local AWS (KEEP=1 leaves it running)
	LAMBDA_BUNDLES=$(TARGET)/lambda-dev python tests/demo/demo.py $(if $(KEEP),--keep)

# Neither of the two needs `make setup`. SCAN="--region all --fail-on HIGH" for options.
SCAN ?=
.PHONY: scan
scan: ## Scan the account of the current credentials, changing nothing, into out/scan (SCAN="--region all" for options)
	$(CARGO) run --package compliance-audit -- scan --out out/scan $(SCAN)

.PHONY: install
install: ## Install the command compliance-audit into the user's cargo folder (release)
	cargo install --locked --path cli
	@echo 'The manual page: compliance-audit man | man -l -'

# --- Test it --------------------------------------------------------------------------------------------------------

# What deploys takes most of the time and waits for much of it, so two of these go on at once.
.PHONY: test
test: setup check-policy format-check lint test-rust ## Run everything that CI runs
	$(MAKE) --no-print-directory --jobs=2 --output-sync=target test-permissions test-pipeline test-report test-infrastructure \
		test-teardown test-asl test-local-aws test-benchmark

# Not by the command's `policy check`, before which the AWS SDK would be built.
.PHONY: check-policy
check-policy: ## Check infrastructure/audit-policy.toml
	$(CARGO) run --quiet --package audit-policy -- infrastructure/audit-policy.toml

.PHONY: rules
rules: ## Write functions/shared/audit-rules/RULES.md from the rules
	WRITE_RULES_REFERENCE=1 $(CARGO) test --quiet --package audit-rules rules_reference

.PHONY: change-events
change-events: ## Write infrastructure/change-events.json from the table of calls that can change a verdict
	WRITE_CHANGE_EVENTS=1 $(CARGO) test --quiet --package audit-changes the_rules_are_what_the_table_says

.PHONY: read-only-policy
read-only-policy: setup ## Write cli/read-only-policy.json from the functions' permissions
	WRITE_READ_ONLY_POLICY=1 pytest --quiet tests/infrastructure/test_read_only_policy.py

.PHONY: new-rule
new-rule: setup ## Begin a rule: make new-rule ID=s3-bucket-…, vpc-…, security-group-… or lambda-…
	python functions/shared/audit-rules/new_rule.py $(ID)

.PHONY: format
format: setup ## Format Rust and Python
	cargo fmt
	ruff format $(PYTHON_SOURCES)
	ruff check --fix $(PYTHON_SOURCES)

.PHONY: format-check
format-check: setup
	cargo fmt --check
	ruff format --check $(PYTHON_SOURCES)

.PHONY: lint
lint: setup ## Lint Rust and Python
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	ruff check $(PYTHON_SOURCES)
	mypy

.PHONY: test-rust
test-rust: ## Test the crates
	$(CARGO) test --workspace

.PHONY: test-asl
test-asl: setup ## Test every path of the state machine, with stand-in functions
	pytest tests/statemachine

.PHONY: test-infrastructure
test-infrastructure: setup ## Test the synthesized template, the settings, the sample account's templates and new-rule
	pytest tests/infrastructure tests/accounts functions/shared/audit-rules

.PHONY: test-local-aws
test-local-aws: setup ## Test the corrections of the local AWS
	pytest tests/local_aws

.PHONY: test-pipeline
test-pipeline: setup bundles-dev ## Test the deployed system on the local AWS
	LAMBDA_BUNDLES=$(TARGET)/lambda-dev DEPLOYED_REPORTS=$(TARGET)/deployed-reports python tests/demo/pipeline.py -- $(CARGO) test --workspace --test pipeline -- --ignored --test-threads=1

.PHONY: test-report
test-report: setup bundles-dev test-pipeline ## Test the HTML report in Chromium, on made-up scans and on those of test-pipeline
	CARGO_TARGET_DIR=$(TARGET) pytest tests/report

.PHONY: test-permissions
test-permissions: setup bundles-dev ## Test on the local AWS that each function needs each of its permissions
	LAMBDA_BUNDLES=$(TARGET)/lambda-dev pytest tests/permissions

.PHONY: test-teardown
test-teardown: setup bundles-dev ## Test on the local AWS that nothing is left after a deletion
	LAMBDA_BUNDLES=$(TARGET)/lambda-dev pytest tests/teardown

.PHONY: test-benchmark
test-benchmark: bundles-dev ## Test on a fake AWS that no fault turns into a verdict, and that the benchmark runs
	LAMBDA_BUNDLES=$(TARGET)/lambda-dev $(CARGO) test --workspace --bin benchmark -- --ignored

# --- Show it --------------------------------------------------------------------------------------------------------

.PHONY: pictures
pictures: setup ## Make the README's pictures of the report and the e-mail from the last `make demo`
	python tests/report/pictures.py

# --- Measure it -----------------------------------------------------------------------------------------------------

# PEER=prowler measures Prowler on the same account in the same minute; ASK="--account 500/40/200 …" measures one scan.
PEER ?=
ASK ?=
PROWLER := .local/prowler

# Without the check of `make package`: what cannot be deployed from this machine can be measured on it.
.PHONY: bench
bench: check-policy $(if $(PEER),$(PROWLER)/.installed) ## Measure release binaries on a fake AWS (PEER=prowler beside it, ASK="…" one scan)
	$(CARGO) build $(RELEASED)
	$(call bundle,$(TARGET)/release,$(TARGET)/lambda-bench)
	LAMBDA_BUNDLES=$(TARGET)/lambda-bench $(TARGET)/release/benchmark $(if $(PEER),--peer $(PROWLER)/bin/$(PEER)) --out $(TARGET)/benchmark $(ASK)

# A version, for figures of one are not those of another; its own environment, for it pins what others pin, too.
$(PROWLER)/.installed:
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check prowler==5.46.0
	touch $@

# --- Deploy it ------------------------------------------------------------------------------------------------------

.PHONY: package
package: setup check-policy ## Build the functions for AWS Lambda (release), and check that it can start them
	$(LAMBDA_BUILD) $(RELEASED) $(if $(LAMBDA_TARGET),--target $(LAMBDA_TARGET))
	$(call bundle,$(TARGET)/$(if $(LAMBDA_TARGET),$(firstword $(subst ., ,$(LAMBDA_TARGET)))/)release,$(TARGET)/lambda)
	python infrastructure/check_binaries.py $(SETTINGS) $(TARGET)/lambda || { rm -rf $(TARGET)/lambda; exit 1; }

.PHONY: preflight
preflight: setup ## Say what a deployment to the account of the current credentials would fail at, before it starts
	python infrastructure/preflight.py $(SETTINGS) $(PREFLIGHT)

.PHONY: synth
synth deploy: export LAMBDA_BUNDLES := $(TARGET)/lambda
synth: setup package ## Write the CloudFormation template to infrastructure/cdk.out
	$(CDK) synth --quiet $(SETTINGS)

# The preflight comes before the long build.
.PHONY: deploy
deploy: setup ## Deploy to the AWS account of the current credentials (APPROVAL=never where nobody can be asked)
	$(if $(filter $(APPROVALS),$(APPROVAL)),,$(error APPROVAL is "$(APPROVAL)"; allowed: $(APPROVALS)))
	$(MAKE) --no-print-directory preflight
	$(MAKE) --no-print-directory package
	$(CDK) deploy --require-approval $(APPROVAL) $(SETTINGS)
	$(MAKE) --no-print-directory recipients

.PHONY: recipients
recipients: setup ## Say who has not confirmed the subscription to the alerts
	python infrastructure/recipients.py $(SETTINGS)

.PHONY: destroy
destroy: setup ## Remove the system from the AWS account of the current credentials
	python infrastructure/destroy.py $(SETTINGS)

# --- What the targets above need ------------------------------------------------------------------------------------

.PHONY: setup
setup: .local/venv/.installed .local/ministack/.installed .local/browser/.installed infrastructure/node_modules/.installed ## Install the tools into this checkout

.local/venv/.installed: infrastructure/requirements.txt tests/requirements.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --require-hashes $(addprefix -r ,$^)
	touch $@

.local/ministack/.installed: tests/local_aws/requirements.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

# Of the package only the browser is used, which tests/report/browser.py unpacks.
.local/browser/.installed: tests/report/package.json tests/report/package-lock.json tests/report/browser.py
	mkdir -p $(@D)
	cp $(filter %.json,$^) $(@D)
	npm ci --prefix $(@D) --no-audit --no-fund --loglevel error
	$(PYTHON) tests/report/browser.py
	touch $@

infrastructure/node_modules/.installed: infrastructure/package-lock.json
	npm ci --prefix infrastructure --no-audit --no-fund --loglevel error
	touch $@

# The same selection and features as `cargo test --workspace`, so that the AWS SDKs are built once for both.
.PHONY: bundles-dev
bundles-dev: check-policy
	$(CARGO) build --workspace --all-targets
	$(call bundle,$(TARGET)/debug,$(TARGET)/lambda-dev,--strip)

# $(call bundle,FROM,TO,HOW): one folder a function, as AWS Lambda wants it: the binary is called `bootstrap`. Release
# binaries are stripped already, and this machine's `strip` may not know their processor.
define bundle
rm -rf $(2)
for function in $(FUNCTIONS); do install -D $(3) $(1)/$$function $(2)/$$function/bootstrap; done
install -m 644 infrastructure/audit-policy.toml $(2)/plan-scan/audit-policy.toml
endef

.PHONY: clean
clean: ## Remove everything that was built or installed into this checkout
	rm -rf target out .local infrastructure/node_modules infrastructure/cdk.out
