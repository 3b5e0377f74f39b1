# One name per thing a person does here; the work is in npm scripts and deploy/dev.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# A registry mirror that lacks the optional packages of other platforms makes "npm ci" refuse its own lock file;
# "npm install" then installs the same locked versions.
node_modules/.installed: package.json package-lock.json
	npm ci --silent 2>/dev/null || npm install --no-save --silent
	@touch $@

.PHONY: help
help: ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

.PHONY: install
install: node_modules/.installed ## install what the project needs
	@:

.PHONY: verify
verify: install ## regenerate, lint, types, layers, no drift
	npm run generate
	npm run check
	@git diff --exit-code -- crds docs/reference sdk || { echo 'generated files differ from their source: commit the result of "npm run generate"'; exit 1; }
	@test -z "$$(git status --porcelain -- crds docs/reference)" || { echo 'generated files are not committed:'; git status --porcelain -- crds docs/reference; exit 1; }

.PHONY: test test-unit test-integration test-sdk
test: ## every test that a machine without root can run (TEST_REPORTER=... to change mocha's report)
	@$(MAKE) --no-print-directory --keep-going test-unit test-integration test-sdk

COUNTED = --reporter ./tools/testing/counting-reporter.ts --reporter-option name=

test-unit: install ## the core, the controllers, the console: no cluster
	npx mocha --config test/unit.mocharc.json $(COUNTED)unit

test-integration: install ## against a real API server and a real Prometheus, without root
	npx node deploy/dev/build.ts kube-apiserver etcd prometheus promtool
	npx mocha --config test/integration.mocharc.json $(COUNTED)integration

test-sdk: install ## the Python SDK, with a real PyTorch
	tools/testing/test-sdk.sh

.PHONY: cluster-up cluster-down cluster-status
cluster-up: install ## start the local cluster; NODE=real adds a kubelet (needs root)
	@npx node deploy/dev/cluster.ts up $(if $(NODE),--node=$(NODE))

cluster-down: ## end the local cluster and remove every trace of it
	@npx node deploy/dev/cluster.ts down

cluster-status: ## which parts of the local cluster run, and where their logs are
	@npx node deploy/dev/cluster.ts status

.PHONY: e2e bench-e2e
# Ends the cluster again only when it was not up before. Needs root, for the real node.
E2E = was_up=$$(test -e .dev/kubeconfig && echo yes); \
	$(MAKE) --no-print-directory cluster-up NODE=real && npm run --silent build && rm -f .dev/results/{$(1),reload,resize,faults}.json && \
	npx mocha --config test/e2e.mocharc.json $(COUNTED)$(1); status=$$?; \
	if test -z "$$was_up"; then $(MAKE) --no-print-directory cluster-down; fi; exit $$status

e2e: install ## real pods with a real PyTorch on the local cluster, one seed (needs root)
	@$(call E2E,e2e)

bench-e2e: install ## the cost comparison over three seeds, and five minutes without Prometheus (needs root)
	@export STEPWISE_E2E_SEEDS=3 STEPWISE_E2E_LONG=yes; $(call E2E,bench-e2e)

.PHONY: operator
operator: install ## build the operator and run it on the local cluster, or on the one that KUBECONFIG names
	@npm run --silent build
	@npx node dist/operator.js --kubeconfig "$${KUBECONFIG:-.dev/kubeconfig}" --no-leader-election --log-format text \
	  --listen-host 127.0.0.1 --listen-port 18080 \
	  --prometheus-url "$${STEPWISE_PROMETHEUS_URL:-http://127.0.0.1:19090}"

.PHONY: demo
demo: ## five jobs, watched and corrected on a local cluster, or on the one that KUBECONFIG names
	@begun=$$(date +%s); \
	$(MAKE) --no-print-directory install || exit 1; \
	STEPWISE_DEMO_BEGUN=$$begun STEPWISE_DEMO_INSTALLED=$$(date +%s) node_modules/.bin/node deploy/dev/demo/demo.ts
