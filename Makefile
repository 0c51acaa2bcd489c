# Everything the project does, one target each. `make help` lists them.
# What a machine needs: Go, make, git and bash, and for the tests the Debian packages of DEBIAN_PACKAGES, which `make test` installs when it runs as root.
# The tools below are built or installed from pinned modules into a cache outside the checkout:
#   hack/controlplane  etcd and kube-apiserver, for tests and `make run`  (not when KUBEBUILDER_ASSETS is set)
#   hack/tools         controller-gen
#   hack/lint          golangci-lint with kube-api-linter
#   hack/toxiproxy     a proxy that cuts and slows connections, for the tests of PostgreSQL's failures
#   hack/npm           OAuth clients and prism, for tests; wants Node.js 18 or later

SHELL := /usr/bin/env bash -o pipefail
.DEFAULT_GOAL := help

TOOLS = $(shell hack/build-tools.sh tools)
LINT = $(shell hack/build-tools.sh lint)/golangci-lint-kube-api-linter
CONTROL_PLANE = $(or $(KUBEBUILDER_ASSETS),$(shell hack/build-tools.sh controlplane))
DEBIAN_PACKAGES = postgresql default-jdk-headless nodejs npm curl python3-authlib python3-requests-oauthlib
FUZZTIME ?= 10s
GOFLAGS_BUILD = -trimpath -ldflags "-s -w"

##@ Use it

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*##"} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*##/ {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/controllers, bin/webhook-server, bin/d1sim and bin/merchant
	CGO_ENABLED=0 go build $(GOFLAGS_BUILD) -o bin/controllers ./controllers
	CGO_ENABLED=0 go build $(GOFLAGS_BUILD) -o bin/webhook-server ./webhook-server
	CGO_ENABLED=0 go build $(GOFLAGS_BUILD) -o bin/d1sim ./hack/d1sim
	CGO_ENABLED=0 go build $(GOFLAGS_BUILD) -o bin/merchant ./hack/merchant

.PHONY: run
run: build ## Run everything here: API server, operator, server, samples, the D1 simulator's calls; Ctrl-C stops it
	@go build -o bin/local ./hack/local
	@KUBEBUILDER_ASSETS="$(CONTROL_PLANE)" exec bin/local

##@ Check it

.PHONY: packages
packages: ## Install the Debian packages that the tests need (as root; else say which are missing)
	@hack/packages.sh $(DEBIAN_PACKAGES)

.PHONY: test
test: packages ## Run all tests, with the race detector, and a short round of fuzzing
	KUBEBUILDER_ASSETS="$(CONTROL_PLANE)" go test -race -timeout 20m ./...
	hack/fuzz.sh 2000x

.PHONY: soak
soak: packages ## Kill servers 200 times with each engine under load, break PostgreSQL, run at 500 a second for 10 minutes; about an hour
	go test ./hack/faults -v -timeout 2h -soak

.PHONY: fuzz
fuzz: ## Fuzz every decoder for FUZZTIME (default 10s) each
	hack/fuzz.sh $(FUZZTIME)

.PHONY: bench
bench: ## Measure the figures that the project promises; writes bench.json
	go run ./hack/bench

.PHONY: lint
lint: ## Run the linters
	$(LINT) run ./...

.PHONY: verify
verify: lint ## Check that formatting, generated files and modules are as they should be
	@test -z "$$(gofmt -l api config controllers hack webhook-server | tee /dev/stderr)" || { echo "run 'make fmt'"; exit 1; }
	go vet ./...
	go mod tidy -diff
	for module in controlplane tools lint toxiproxy; do (cd hack/$$module && go mod tidy -diff) || exit 1; done
	hack/verify-generated.sh "$(TOOLS)"

##@ Change it

.PHONY: generate
generate: ## Regenerate deep-copy functions
	$(TOOLS)/controller-gen object paths=./api/v1alpha1/

.PHONY: manifests
manifests: ## Regenerate CustomResourceDefinitions and the operator's role
	$(TOOLS)/controller-gen crd paths=./api/v1alpha1/ output:crd:dir=config/crd/bases
	$(TOOLS)/controller-gen rbac:roleName=d1gateway-controllers paths=./controllers/... output:rbac:dir=config/rbac

.PHONY: fmt
fmt: ## Format the code
	gofmt -w api config controllers hack webhook-server

.PHONY: clean
clean: ## Remove what the build made (the tool cache stays)
	rm -rf bin dist bench.json
