# One name per thing a person does here; the work is in npm scripts and deploy/dev.
SHELL := /bin/bash
.DEFAULT_GOAL := help

node_modules/.installed: package.json package-lock.json
	npm ci
	@touch $@

.PHONY: help
help: ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

.PHONY: install
install: node_modules/.installed ## install what the project needs

.PHONY: verify
verify: install ## regenerate, lint, types, layers, no drift
	npm run generate
	npm run check
	@git diff --exit-code -- crds docs/reference sdk || { echo 'generated files differ from their source: commit the result of "npm run generate"'; exit 1; }
	@test -z "$$(git status --porcelain -- crds docs/reference)" || { echo 'generated files are not committed:'; git status --porcelain -- crds docs/reference; exit 1; }

.PHONY: cluster-up cluster-down cluster-status
cluster-up: ## start the local cluster; NODE=real adds a kubelet (needs root)
	@test -x node_modules/.bin/node || $(MAKE) install
	@npx node deploy/dev/cluster.ts up $(if $(NODE),--node=$(NODE))

cluster-down: ## end the local cluster and remove every trace of it
	@npx node deploy/dev/cluster.ts down

cluster-status: ## which parts of the local cluster run, and where their logs are
	@npx node deploy/dev/cluster.ts status
