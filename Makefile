# deps   install the real programs that tests and the benchmark talk to (Debian, root)
# test   every test; those that need a real program skip by name when it is missing,
#        or fail when SIPEDGE_REQUIRE_REAL=1. TAGS=portable: without unsafe code, UDP over package net
# soak   the long runs: 10,000 calls a path, a hundred reloads under load
# fuzz   every fuzz target below FUZZ for FUZZTIME each; FUZZ_NAME narrows: FUZZ_NAME=URI
# lint   gofmt, go vet, staticcheck, govulncheck (versions pinned in go.mod)
# bench  the three below: bench-policy, what validate, test and a decision cost against goals;
#        bench-parse, parsing and editing beside another library; bench-sip, sipedge beside
#        Kamailio and a raw relay, by the harness in BENCH_DIR

GO        ?= go
FUZZTIME  ?= 10s
FUZZ      ?= .
FUZZ_NAME ?=
BENCH_DIR ?= ../shared/bench
BENCH     ?= -workloads reply,forward,call -targets kamailio-best,sipedge,floor -ref kamailio-best
TAGS      ?=
OUT       := $(CURDIR)/out

.PHONY: all build deps test race soak fuzz lint bench bench-policy bench-parse bench-sip

all: lint test

build:
	$(GO) build -o $(OUT)/sipedge ./cmd/sipedge

deps:
	.ci/deps "sipp sip-tester" "sipsak sipsak" "cc gcc libc6-dev" \
		"kamailio kamailio kamailio-extra-modules" "npm npm"
	if command -v npm >/dev/null; then npm install --silent --no-audit --no-fund \
		--prefix $(OUT)/npm yaml-language-server@1.25.0; fi

test:
	$(GO) test -tags "$(TAGS)" -timeout 20m ./...

race:
	$(GO) test -tags "$(TAGS)" -race -timeout 40m ./...

soak:
	SIPEDGE_SOAK=1 $(GO) test -count=1 -v -timeout 2h -run 'SIPp|Reload|BadInput' ./cmd/sipedge

fuzz:
	@grep -rnoE '^func Fuzz$(FUZZ_NAME)[A-Za-z0-9_]*' --include='*_test.go' ./$(FUZZ) | \
	sed -E 's|^(.*)/[^/]*:[0-9]+:func (.*)$$|\1 \2|' | sort -u | \
	while read -r package target; do \
		echo "fuzz $$package $$target $(FUZZTIME)"; \
		$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) \
			-fuzzminimizetime 2s $$package || exit 1; \
	done

lint:
	@unformatted=$$(gofmt -l .); \
	if [ -n "$$unformatted" ]; then echo "not gofmt-clean: $$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	@echo "$(GO) tool govulncheck ./..."; \
	found=$$($(GO) tool govulncheck ./... 2>&1); status=$$?; echo "$$found"; \
	case "$$found" in *"fetching vulnerabilities"*) \
		echo "lint: the vulnerability database is out of reach, nothing known"; exit 0;; esac; \
	exit $$status

bench:
	@status=0; for part in bench-policy bench-parse bench-sip; do \
		$(MAKE) --no-print-directory $$part || status=1; done; exit $$status

bench-policy: build
	$(GO) run ./cmd/sipedge/internal/speed -sipedge $(OUT)/sipedge -json $(OUT)/speed.json

bench-parse:
	SIPEDGE_BENCH=1 $(GO) test -tags "$(TAGS)" -count=1 -v -timeout 10m -run TestRatios ./sip

bench-sip: build
	@test -f $(BENCH_DIR)/main.go || { echo "bench: no harness in $(BENCH_DIR): set BENCH_DIR"; exit 1; }
	@for p in kamailio cc taskset; do command -v $$p >/dev/null || [ -x /usr/sbin/$$p ] || \
		{ echo "bench: $$p is missing: make deps"; exit 1; }; done
	cd $(BENCH_DIR) && $(GO) run . $(BENCH) -target $(CURDIR)/examples/bench \
		-sipedge $(OUT)/sipedge -json $(OUT)/bench.json -md $(OUT)/bench.md
	@grep -q '| sipedge |' $(OUT)/bench.md || { echo "bench: sipedge was not measured"; exit 1; }
