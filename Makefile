# Everything runs from .venv, which the targets create. The user's Ansible configuration is not read.
.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
unexport $(filter ANSIBLE_%,$(.VARIABLES))
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/collections
export PATH := $(CURDIR)/$(BIN):$(PATH)

# The inventories of the clusters that the lab configures.
INVENTORIES ?= inventories/floating_svi inventories/standard_svi
EXAMPLES := $(foreach inventory,$(INVENTORIES),-i $(inventory))
CLUSTERS := $(filter-out aci_calico_clusters,$(notdir $(foreach inventory,$(INVENTORIES),$(wildcard $(inventory)/group_vars/*))))
# The lab's Kubernetes: make lab-twin KUBE=real (or embedded; default: real where KUBEBUILDER_ASSETS is set), and how Calico is
# installed: CALICO=operator (default), operator-native, manifests, kubespray, v1 or v3, and CALICO_VERSION=3.26, 3.28, 3.30 or 3.32.
KUBE ?=
CALICO ?=
CALICO_VERSION ?=
# Only these clusters have an API server and a twin.
LAB := ACI_CALICO_LAB_CLUSTERS="$(CLUSTERS)" $(BIN)/python tests/lab $(if $(KUBE),--kube $(KUBE)) $(if $(CALICO),--calico $(CALICO)) $(if $(CALICO_VERSION),--calico-version $(CALICO_VERSION))
# Arguments for pytest and ansible-playbook: make test ARGS='-k tree -x'; make lab ARGS=-v
ARGS ?=

.PHONY: help
help: ## Show this list
	@printf 'Usage: make TARGET [ARGS=…]\n\n'
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 } /^##@ / { printf "\n%s\n", substr($$0, 5) }' Makefile

##@ The lab
.PHONY: lab lab-twin lab-up lab-down lab-status lab-reset bird kube-apiserver venv-lab twin-up twin-status twin-down verify
venv-lab:
	@tools/venv requirements-lab.txt

lab: venv-lab ## Configure the example clusters in the lab: start it, run site.yml, print a summary, stop it
	@$(LAB) run -- ansible-playbook $(EXAMPLES) -i inventories/lab playbooks/site.yml $(ARGS)

lab-twin: venv-lab ## Run site.yml, the BGP twin and verify.yml in the lab, and print the time of each (root; frr, iproute2; make bird)
	@$(LAB) run -- tools/lab-twin $(EXAMPLES)

lab-up: venv-lab ## Start the lab and leave it running
	@$(LAB) up

lab-down: venv-lab ## Stop the lab and keep its configuration
	@$(LAB) down

lab-status: venv-lab ## Show which parts of the lab are running, where, and on which Kubernetes
	@$(LAB) status

lab-reset: venv-lab ## Stop the lab and delete its configuration
	@$(LAB) reset

bird: venv-lab ## Fetch BIRD 1.6 for the BGP twins unless this machine has it: Debian 12's package, unpacked for this user
	@$(BIN)/python tests/lab/twin/bird_package.py

kube-apiserver: venv-lab ## Build kube-apiserver, once for this machine, and print the folder for KUBEBUILDER_ASSETS
	@$(BIN)/python tests/lab/kube/build

twin-up: venv-lab ## Start the BGP twins of the running lab (root; frr, iproute2; make bird)
	@$(LAB) twin-up

twin-status: venv-lab ## Show the twins' BGP sessions
	@$(LAB) twin-status

twin-down: venv-lab ## Stop the twins
	@$(LAB) twin-down

verify: venv-lab ## Verify the example clusters in the running lab with its twins
	@$(BIN)/ansible-playbook $(EXAMPLES) -i inventories/lab playbooks/verify.yml $(ARGS)

##@ Plans
.PHONY: plan golden
plan: venv-lab ## Write the plans of the example inventories to artifacts/, offline
	@$(BIN)/ansible-playbook $(EXAMPLES) playbooks/plan.yml $(ARGS)

golden: venv-lab ## Write the example inventories' plans to tests/golden/ (review the diff)
	@$(BIN)/python tools/golden.py

##@ Checks
.PHONY: unit matrix test lint faults forwarding passwords format benchmark benchmark-clusters benchmark-nodes chaos drifts joining ledger venv-test
venv-test:
	@tools/venv requirements-test.txt

unit: venv-test ## Run the collection's own unit tests, without those of the lab
	@$(BIN)/python -m pytest --numprocesses 2 tests/unit --ignore tests/unit/lab $(ARGS)

test: venv-test ## Run every check: sanity, lint, documentation, units, integration, molecule, the built artifact
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(ARGS)

matrix: venv-test ## Configure and remove a cluster with each installation and release of Calico that the lab plays
	@ACI_CALICO_MATRIX=1 $(BIN)/python -m pytest tests/unit/lab/kube/test_installers.py $(ARGS)

lint: venv-test ## Check style, types, imports and generated files: ruff, mypy, import-linter, yamllint, ansible-lint, tools/generate.py
	@$(BIN)/python -m pytest tests/packaging/test_lint.py $(ARGS)

chaos: venv-test ## Kill, disturb and mix runs: make chaos SEED=1 STEPS=200; it goes on where it was stopped (results: build/chaos)
	@$(BIN)/python tests/chaos --seed $(or $(SEED),1) --steps $(or $(STEPS),20) $(ARGS)

drifts: venv-test ## Let others change both sides and see each change named: make drifts SEED=1 COUNT=1000; it goes on where it was stopped
	@$(BIN)/python tests/drifts --seed $(or $(SEED),1) --count $(or $(COUNT),100) $(ARGS)

benchmark: venv-test ## Measure the collection and a playbook of cisco.aci's modules (takes minutes; asserts nothing)
	@$(BIN)/python tests/benchmark $(ARGS)

benchmark-clusters: venv-test ## Measure the plans of 10, 100 and 500 clusters (takes minutes; asserts nothing)
	@$(BIN)/python tests/benchmark/clusters.py $(ARGS)

benchmark-nodes: venv-test ## Measure runs with 6, 192 and 1,000 nodes, and draw docs/scale.svg (takes minutes; asserts nothing)
	@$(BIN)/python tests/benchmark/nodes.py $(ARGS)

joining: venv-test ## Measure on the BGP twin how fast nodes join, and what the end of a mesh costs: make joining RUNS=5 (goes on where it stopped)
	@$(BIN)/python tests/joining --runs $(or $(RUNS),5) $(ARGS)

ledger: venv-test ## Damage allocation files in every way and check that no node gets another address (half an hour; goes on where it stopped)
	@$(BIN)/python tests/ledger $(ARGS)

.PHONY: rehearse rehearsals
rehearse: venv-test ## Measure a change on the twin: make rehearse INVENTORY=my_fabric HOST=prod1-cluster ARGS='-e aci_calico_mtu=8000'
	@$(BIN)/python tests/rehearsals --inventory "$(INVENTORY)" --host "$(HOST)" $(ARGS)

rehearsals: venv-test ## Measure planted changes and their undo against their rehearsals (an hour; goes on where it was stopped; writes the table)
	@$(BIN)/python tests/rehearsals --seed $(or $(SEED),1) $(ARGS)

faults: venv-test ## Run a change against misbehaving servers, and write the table of docs/failures.md
	@WRITE_FAULTS=1 $(BIN)/python -m pytest tests/faults $(ARGS)

forwarding: venv-test ## Measure next hops, shares and failures by peering in the twin, and write the tables of docs/choosing_svi.md
	@$(BIN)/python tests/lab/twin/forwarding.py --write

passwords: venv-test ## Look for 10,000 passwords in every echo of a server (resumable): make passwords ARGS='--seed 2 --count 500'
	@$(BIN)/python tests/faults/passwords.py $(ARGS)

format: venv-test ## Format the Python files
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

##@ Maintenance
.PHONY: generate docs build clean
generate: venv-lab ## Write what is generated from the variable registry: argument specs, defaults, schemas, tables
	@$(BIN)/python tools/generate.py

docs: venv-test ## Build the documentation site in build/docs
	@tools/docs

build: venv-lab ## Build the collection's artifact in build/
	@$(BIN)/ansible-galaxy collection build --force --output-path build .

clean: ## Remove what the targets created, except .venv, .cache and the lab
	rm -rf artifacts build .pytest_cache .ruff_cache .mypy_cache .hypothesis .ansible
