# deps   install the real programs that tests and the benchmark talk to (Debian, root)
# test   every test; those that need a real program skip by name when it is missing,
#        or fail when SIPEDGE_REQUIRE_REAL=1. TAGS=portable: without unsafe code, UDP over package net.
#        backends/odbc once more with its tag, where unixODBC's headers are
# soak   the long runs: 10,000 calls a path, a hundred reloads under load, 20 kills and three
#        outages of the database of a minute for each way that bindings are kept, a million rates
#        (half an hour)
# fuzz   every fuzz target below FUZZ for FUZZTIME each; FUZZ_NAME narrows: FUZZ_NAME=URI
# lint   gofmt, go vet, staticcheck, govulncheck (versions pinned in go.mod)
# bench  the seven below, and fails if one of them did:
#        bench-policy   what validate, test and a decision cost, against goals
#        bench-parse    parsing and editing beside another library, against goals
#        bench-go       Go benchmarks of parser, edit, table, transaction and wheel, BENCHTIME each
#        bench-sip      sipedge beside Kamailio and raw relays, by the harness in BENCH_DIR:
#                       bench-workloads (out/bench.json, .md) and bench-stateful, a MESSAGE in
#                       transactions (out/bench-stateful.json, .md); an hour and a half, as root.
#        bench-streams  calls over TCP and TLS beside Kamailio, against a goal: out/bench-streams.md;
#                       ten minutes
#        bench-connections   memory of 20,000 connections beside Kamailio: out/bench-connections.md;
#                       five minutes
#        bench-hostile  calls beside attacks, their p99 against that without: out/bench-hostile.md;
#                       forty minutes
#                       Settings below; examples/bench/README.md says what they mean

GO        ?= go
FUZZTIME  ?= 10s
FUZZ      ?= .
FUZZ_NAME ?=
BENCH_DIR ?= ../shared/bench
BENCHTIME ?= 200ms
TAGS      ?=
comma     := ,
OUT       := $(CURDIR)/out

# What the harness runs: flags of both runs, then workloads and targets of each.
BENCH_FLAGS     ?= -rounds 5 -max-time 4h
BENCH_WORKLOADS ?= reply,forward,call,register,lookup,rules
BENCH_RULES     ?= 10,1000,10000,100000
BENCH_TARGETS   ?= kamailio-best,sipedge,floor,floor-mmsg,floor-goraw
BENCH_STATEFUL  ?= kamailio-stateful,sipedge-stateful,floor-mmsg

# Flags of examples/bench/streams, examples/bench/held and examples/bench/hostile: -nice -15 on a
# machine in use, -quick.
STREAMS_FLAGS   ?=
HELD_FLAGS      ?=
HOSTILE_FLAGS   ?=

BENCH_GO        := ./sip ./sip/transaction ./router/table ./router/proxy ./router

.PHONY: all build deps test race soak fuzz lint bench bench-policy bench-parse bench-go \
	bench-sip bench-workloads bench-stateful bench-ready bench-peers \
	bench-streams bench-connections bench-hostile bench-load

all: lint test

build:
	$(GO) build -o $(OUT)/sipedge ./cmd/sipedge

deps:
	.ci/deps "sipp sip-tester" "sipsak sipsak" "cc gcc libc6-dev" "baresip baresip-core" "curl curl" \
		"kamailio kamailio kamailio-extra-modules" \
		"/usr/share/doc/kamailio-tls-modules kamailio-tls-modules" \
		"npm npm" "chromium chromium" "named bind9" \
		"openssl openssl" "ip iproute2" "iptables iptables" \
		"pg_ctlcluster postgresql" "mariadbd mariadb-server mariadb-client" \
		"/usr/share/kamailio/mysql kamailio-mysql-modules" \
		"/usr/share/kamailio/postgres kamailio-postgres-modules" \
		"db_load db-util" "/usr/include/sql.h unixodbc-dev" \
		"/usr/share/doc/odbc-mariadb odbc-mariadb" "/usr/share/doc/libsqliteodbc libsqliteodbc" \
		"rtpengine rtpengine-daemon" "qemu-system-x86_64 qemu-system-x86" \
		"systemd-analyze systemd"
	.ci/kernel $(OUT)/kernel
	if command -v npm >/dev/null; then npm install --silent --no-audit --no-fund \
		--prefix $(OUT)/npm yaml-language-server@1.25.0 jssip@3.13.8 esbuild@0.28.2; fi

test:
	$(GO) test -tags "$(TAGS)" -timeout 20m ./...
	@if [ "$$SIPEDGE_REQUIRE_REAL" = 1 ] || echo '#include <sql.h>' | cc -E - >/dev/null 2>&1; then \
		echo "$(GO) test -tags odbc ./backends/odbc"; \
		$(GO) test -tags "odbc $(TAGS)" -timeout 5m ./backends/odbc; \
	else echo "skipped: backends/odbc with its tag: missing: sql.h (make deps)"; fi

race:
	$(GO) test -tags "$(TAGS)" -race -timeout 40m ./...

soak:
	SIPEDGE_SOAK=1 $(GO) test -count=1 -v -timeout 2h -run 'SIPp|Reload|BadInput|Kill|Outage' ./cmd/sipedge
	SIPEDGE_SOAK=1 $(GO) test -count=1 -v -timeout 10m -run BlackHoles ./sip/transport/tcp
	SIPEDGE_SOAK=1 $(GO) test -count=1 -v -timeout 10m -run RotationUnderLoad ./sip/transport/tls
	SIPEDGE_SOAK=1 $(GO) test -count=1 -v -timeout 10m -run Million ./router/rates

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

# every PARTS: each target, also after one that failed.
every = status=0; for part in $(1); do $(MAKE) --no-print-directory $$part || status=1; done; \
	exit $$status

bench:
	@$(call every,bench-policy bench-parse bench-go bench-sip bench-streams \
		bench-connections bench-hostile)

bench-policy: build
	$(GO) run ./cmd/sipedge/internal/speed -sipedge $(OUT)/sipedge -json $(OUT)/speed.json

bench-parse:
	SIPEDGE_BENCH=1 $(GO) test -tags "$(TAGS)" -count=1 -v -timeout 10m -run TestRatios ./sip

bench-go:
	$(GO) test -tags "$(TAGS)" -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) $(BENCH_GO)

bench-sip:
	@$(call every,bench-workloads bench-stateful)

bench-workloads: name = bench
bench-workloads: own = sipedge
bench-workloads: rows = $(foreach w,$(subst $(comma), ,$(BENCH_WORKLOADS)),$(if \
	$(filter rules,$w),$(addprefix rules-,$(subst $(comma), ,$(BENCH_RULES))),$w))
bench-workloads: args = -ref kamailio-best -targets $(BENCH_TARGETS) \
	-workloads $(BENCH_WORKLOADS) -rule-sizes $(BENCH_RULES)

# A finished transaction of sipedge stays for 32 s (timer J): after a warm-up beyond that its end
# is in what is measured.
bench-stateful: name = bench-stateful
bench-stateful: own = sipedge-stateful
bench-stateful: rows = forward
bench-stateful: args = -ref kamailio-stateful -targets $(BENCH_STATEFUL) \
	-workloads forward -warm 34s

bench-workloads bench-stateful: bench-ready
	@rm -f $(OUT)/$(name).json $(OUT)/$(name).md
	cd $(BENCH_DIR) && $(GO) run . $(args) $(BENCH_FLAGS) \
		-target $(CURDIR)/examples/bench,$(CURDIR)/examples/bench/kamailio \
		-sipedge $(OUT)/sipedge -json $(OUT)/$(name).json -md $(OUT)/$(name).md
	@for row in $(rows); do \
		grep -Eq "^\| $$row \| $(own) \| (- \| )?[0-9]" $(OUT)/$(name).md || \
		{ echo "bench: $$row: no ratio of $(own)"; exit 1; }; done
	@! grep '^- $(own): not the same work' $(OUT)/$(name).md

bench-ready: build bench-peers
	@test -f $(BENCH_DIR)/main.go || { echo "bench: no harness in $(BENCH_DIR): set BENCH_DIR"; exit 1; }
	@command -v cc >/dev/null || { echo "bench: cc is missing: make deps"; exit 1; }

bench-streams: build bench-peers bench-load
	$(GO) run ./examples/bench/streams -sipedge $(OUT)/sipedge -load $(OUT)/load \
		-md $(OUT)/bench-streams.md $(STREAMS_FLAGS)

bench-connections: build bench-peers
	$(GO) build -o $(OUT)/held ./examples/bench/held
	$(OUT)/held -sipedge $(OUT)/sipedge -md $(OUT)/bench-connections.md $(HELD_FLAGS)

bench-hostile: build bench-load
	$(GO) build -o $(OUT)/hostile ./examples/bench/hostile
	$(OUT)/hostile -sipedge $(OUT)/sipedge -load $(OUT)/load -md $(OUT)/bench-hostile.md \
		$(HOSTILE_FLAGS)

bench-load:
	$(GO) build -o $(OUT)/load ./examples/bench/load

bench-peers:
	@for p in kamailio taskset; do command -v $$p >/dev/null || [ -x /usr/sbin/$$p ] || \
		{ echo "bench: $$p is missing: make deps"; exit 1; }; done
