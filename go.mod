module sipedge

go 1.26.0

tool (
	golang.org/x/vuln/cmd/govulncheck
	honnef.co/go/tools/cmd/staticcheck
)

require (
	cuelang.org/go v0.17.1 // the policy language; schema
	github.com/KimMachineGun/automemlimit v1.0.1 // memory of the control group as Go's limit; cmd/sipedge/internal/memory
	github.com/caddyserver/certmagic v0.25.6 // when certificates are ordered and renewed, and their storage; sip/transport/acme
	github.com/coreos/go-systemd/v22 v22.7.0 // the service manager is told how far the server is; cmd/sipedge/internal/systemd
	github.com/emiago/sipgo v1.7.2 // tests: an independent peer to compare with; sip
	github.com/gaissmai/bart v0.30.0 // networks of sources; router/table, router/data, router/address
	github.com/go-sql-driver/mysql v1.10.1 // MySQL and MariaDB; backends/mysql
	github.com/gobwas/ws v1.5.0 // frames and handshake of WebSockets over buffers of our own; sip/transport/ws
	github.com/google/go-cmp v0.7.0 // tests: want against got
	github.com/gopacket/gopacket v1.7.7 // captures: formats, links, fragments, TCP; sip/recording
	github.com/letsencrypt/pebble/v2 v2.10.3 // tests: a CA by ACME; sip/transport/acme/acmetest
	github.com/lib/pq v1.12.3 // PostgreSQL; backends/postgres
	github.com/mholt/acmez/v3 v3.1.7 // the protocol of ACME, of certmagic's own; sip/transport/acme
	github.com/miekg/dns v1.1.73 // DNS messages and exchange; sip/resolve
	github.com/pion/srtp/v3 v3.1.3 // tests: a phone of SRTP; cmd/sipedge
	github.com/prometheus/client_golang v1.25.0 // exporting metrics; cmd/sipedge/internal/daemon
	github.com/prometheus/client_model v0.6.3 // what is gathered for metrics; cmd/sipedge/internal/daemon
	github.com/rogpeppe/go-internal v1.16.0 // txtar and script tests: sip/siptest, tests
	github.com/spf13/cobra v1.10.2 // commands and flags; cmd/sipedge/internal/cli
	go.etcd.io/bbolt v1.5.0 // a database in a file without SQL; backends/bolt
	go.uber.org/goleak v1.3.0 // tests: no goroutine is left behind
	go.uber.org/zap v1.28.0 // certmagic's log, which is silenced; sip/transport/acme
	go.yaml.in/yaml/v3 v3.0.6 // positions in YAML policies; schema
	golang.org/x/net v0.61.0 // a bound on connections; cmd/sipedge/internal/control; packets in tests, sip/transport/transporttest
	golang.org/x/sys v0.49.0 // sockets beyond package net; sip/transport/udp, sip/transport/poll
	golang.org/x/term v0.47.0 // passwords without echo; cmd/sipedge/internal/provision
	modernc.org/sqlite v1.62.0 // databases in a file, without cgo; backends/sqlite
	pgregory.net/rapid v1.3.0 // property tests
)

require (
	cuelabs.dev/go/oci/ociregistry v0.0.0-20260601085548-328ff8e2c943 // indirect
	filippo.io/edwards25519 v1.2.0 // indirect
	github.com/BurntSushi/toml v1.4.1-0.20240526193622-a339e1f7089c // indirect
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/caddyserver/zerossl v0.1.6 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/cockroachdb/apd/v3 v3.2.3 // indirect
	github.com/dustin/go-humanize v1.1.0 // indirect
	github.com/emicklei/proto v1.14.3 // indirect
	github.com/go-jose/go-jose/v4 v4.1.8 // indirect
	github.com/gobwas/httphead v0.1.0 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/icholy/digest v1.2.0 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/klauspost/cpuid/v2 v2.4.0 // indirect
	github.com/kylelemons/godebug v1.1.0 // indirect
	github.com/letsencrypt/challtestsrv v1.4.2 // indirect
	github.com/libdns/libdns v1.1.1 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	github.com/mitchellh/go-wordwrap v1.0.1 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/ncruces/go-strftime v1.1.0 // indirect
	github.com/opencontainers/go-digest v1.0.0 // indirect
	github.com/opencontainers/image-spec v1.1.1 // indirect
	github.com/pbnjay/memory v0.0.0-20210728143218-7b4eea64cf58 // indirect
	github.com/pelletier/go-toml/v2 v2.3.1 // indirect
	github.com/pion/logging v0.2.4 // indirect
	github.com/pion/randutil v0.1.0 // indirect
	github.com/pion/rtcp v1.2.19 // indirect
	github.com/pion/rtp v1.10.5 // indirect
	github.com/pion/transport/v5 v5.1.1 // indirect
	github.com/prometheus/common v0.72.0 // indirect
	github.com/prometheus/procfs v0.22.0 // indirect
	github.com/protocolbuffers/txtpbfmt v0.0.0-20260420112717-c39628bde8b5 // indirect
	github.com/remyoudompheng/bigfft v0.0.0-20230129092748-24d4a6f8daec // indirect
	github.com/spf13/pflag v1.0.10 // indirect
	github.com/zeebo/blake3 v0.2.4 // indirect
	go.uber.org/multierr v1.11.0 // indirect
	go.uber.org/zap/exp v0.3.0 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/exp/typeparams v0.0.0-20231108232855-2478ac86f678 // indirect
	golang.org/x/mod v0.42.0 // indirect
	golang.org/x/oauth2 v0.37.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/telemetry v0.0.0-20261010193011-f71dc92da45e // indirect
	golang.org/x/text v0.43.0 // indirect
	golang.org/x/tools v0.52.0 // indirect
	golang.org/x/vuln v1.9.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
	honnef.co/go/tools v0.8.2 // indirect
	modernc.org/libc v1.80.1 // indirect
	modernc.org/mathutil v1.7.1 // indirect
	modernc.org/memory v1.12.1 // indirect
)
