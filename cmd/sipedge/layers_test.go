package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "sipedge"

// floors is the house: a package may import packages of lower floors. A path that ends in
// /... stands for everything below that folder.
var floors = [][]string{
	0: {
		"sip", "sip/load", "sip/phrase", "sip/siphash", "sip/slab", "sip/digest", "sip/sdp",
		"sip/pidf", "sip/transport/keep", "sip/transport/poll", "sip/transport/porttest",
	},
	1: {"sip/transport", "sip/transport/...", "sip/resolve", "sip/resolve/...", "sip/recording"},
	2: {"sip/transaction"},
	3: {"backends", "backends/...", "sip/dialog", "schema", "schema/...", "sip/siptest", "policies"},
	4: {
		"router/job", "router/identity", "router/nexthop", "router/fault", "router/failed", "router/vars",
		"router/vars/pseudovar",
		"router/table", "router/table/decoded", "router/data", "router/address", "router/dfa",
		"router/digits", "router/directory", "router/hours", "router/numbers", "router/rates",
		"router/drouting",
		"router/check/pattern",
	},
	5: {
		"router/check/formula", "router/check/myself", "router/check/example",
		"router/proxy", "router/registrar", "router/presence", "router/auth", "router/gateway",
		"router/nat", "router/media", "router/enum", "router/limit", "router/acct",
		"router/capture", "router/cluster", "router/observe", "router/trace", "router/uac",
		"router/alias", "router/natping", "router/flow", "router/outbound", "router/redirection",
		"router/edit", "router/lcr", "router/stateless", "router/permission",
	},
	6: {"router/action"},
	7: {
		"router", "router/check", "router/check/graph", "router/check/walk", "router/policytest",
		"router/replay", "router/scene",
	},
	8: {"cmd/sipedge", "cmd/sipedge/...", "examples/..."},
}

// arrows are the imports allowed on one floor: from, to.
var arrows = [][2]string{
	{"sip", "sip/load"}, {"sip", "sip/phrase"},
	{"sip/digest", "sip"}, {"sip/sdp", "sip"}, {"sip/pidf", "sip"},
	{"sip/transport/poll", "sip/transport/keep"},
	{"sip/transport/...", "sip/transport"}, {"sip/transport/...", "sip/transport/stream"},
	{"sip/transport/...", "sip/transport/dscp"}, {"sip/transport/stream", "sip/transport/proxyheader"},
	{"sip/transport/tls", "sip/transport/tcp"}, {"sip/transport/ws", "sip/transport/tcp"},
	{"sip/transport/ws", "sip/transport/tls"},
	{"schema", "schema/..."}, {"schema/...", "schema/..."},
	{"backends", "schema"}, {"backends/...", "schema"},
	{"backends/...", "backends"}, {"backends/...", "backends/sqlstore"},
	{"backends/memory", "backends/journal"},
	{"backends/...", "backends/relation"},
	{"router/identity", "router/job"},
	{"router/fault", "router/job"}, {"router/fault", "router/nexthop"},
	{"router/nexthop", "router/job"}, {"router/nexthop", "router/identity"},
	{"router/vars", "router/job"}, {"router/table", "router/job"}, {"router/table", "router/vars"},
	{"router/data", "router/address"},
	{"router/table", "router/data"}, {"router/table", "router/dfa"},
	{"router/table", "router/directory"}, {"router/table", "router/hours"},
	{"router/table", "router/numbers"}, {"router/table", "router/table/decoded"},
	{"router/table/decoded", "router/job"}, {"router/table/decoded", "router/vars"},
	{"router/data", "router/digits"}, {"router/data", "router/rates"},
	{"router/data", "router/drouting"}, {"router/drouting", "router/rates"},
	{"router/data", "router/hours"},
	{"router/rates", "router/digits"}, {"router/rates", "router/hours"},
	{"router/proxy", "router/stateless"},
	{"router/natping", "router/registrar"}, {"router/flow", "router/registrar"},
	{"router/gateway", "router/uac"}, {"router/gateway", "router/edit"},
	{"router/lcr", "router/gateway"},
	{"router", "router/check"}, {"router/scene", "router"},
	{"router/policytest", "router"}, {"router/policytest", "router/scene"},
	{"router/replay", "router"}, {"router/replay", "router/scene"},
	{"router/check/example", "router/check/formula"}, {"router/check/example", "router/check/myself"},
	{"router/check/myself", "router/check/formula"},
	{"router/check/walk", "router/check/graph"}, {"router/check", "router/check/graph"},
	{"router/check", "router/check/walk"},
	{"cmd/sipedge/...", "cmd/sipedge/..."}, {"cmd/sipedge/...", "examples/..."},
	{"cmd/sipedge", "cmd/sipedge/..."}, {"cmd/sipedge", "examples/..."},
	{"examples/bench/...", "examples/bench/..."},
}

// owners are the only importers of a module; no other package knows it.
var owners = map[string][]string{
	"cuelang.org/go": {
		"schema/internal/source", "schema/internal/shape", "schema/internal/format",
	},
	"go.yaml.in/yaml":          {"schema/internal/source", "schema/internal/format"},
	"github.com/KimMachineGun": {"cmd/sipedge/internal/memory"},
	"github.com/coreos":        {"cmd/sipedge/internal/systemd"},
	"github.com/miekg/dns":     {"sip/resolve"},
	"github.com/spf13/cobra": {
		"cmd/sipedge/internal/cli", "cmd/sipedge/internal/ctl", "cmd/sipedge/internal/provision",
		"cmd/sipedge/internal/usage",
	},
	"golang.org/x/term":        {"cmd/sipedge/internal/provision"},
	"github.com/gaissmai/bart": {"router/table", "router/data", "router/address"},
	"github.com/prometheus":    {"router/observe", "cmd/sipedge/internal/daemon"},
	"github.com/emiago/sipgo":  {},
	"github.com/rogpeppe":      {"sip/siptest"},
	"github.com/google/go-cmp": {"backends/backendtest"},
	"github.com/gopacket":      {"sip/recording"},
	"pgregory.net/rapid":       {},
	"go.uber.org/goleak":       {},
	"modernc.org/sqlite":       {"backends/sqlite"},
	"github.com/lib/pq":        {"backends/postgres"},
	"go.etcd.io/bbolt":         {"backends/bolt"},
	"github.com/go-sql-driver": {"backends/mysql"},
	"github.com/go-ldap/ldap":  {"backends/ldap"},
	"github.com/gobwas/ws":     {"sip/transport/ws"},
	"github.com/caddyserver":   {"sip/transport/acme"},
	"github.com/letsencrypt":   {"sip/transport/acme/acmetest"},
	"github.com/mholt/acmez":   {"sip/transport/acme"},
	"go.uber.org/zap":          {"sip/transport/acme"},
}

// noIO are packages that may not reach outside the process, by what they may not import.
var noIO = map[string][]string{
	"sip":        {"net", "os", "syscall", "io/fs", "time"},
	"sip/dialog": {"net", "os", "syscall", "io/fs"},
}

type listedPackage struct {
	ImportPath string
	Dir        string
	Name       string
	Doc        string
	GoFiles    []string
	Imports    []string
	Standard   bool
}

// listPackages returns the packages of this module, tests left out.
func listPackages(t *testing.T) []listedPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var own []listedPackage
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listedPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if within(p.ImportPath) {
			own = append(own, p)
		}
	}
	if len(own) < 10 {
		t.Fatalf("go list names %d packages of %s: not the whole house", len(own), module)
	}
	return own
}

func within(importPath string) bool {
	return importPath == module || strings.HasPrefix(importPath, module+"/")
}

func relative(importPath string) string { return strings.TrimPrefix(importPath, module+"/") }

func covers(pattern, pkg string) bool {
	if dir, ok := strings.CutSuffix(pattern, "/..."); ok {
		return strings.HasPrefix(pkg, dir+"/")
	}
	return pattern == pkg
}

// floorOf returns where a package stands, or -1. An exact entry wins over a pattern.
func floorOf(pkg string) int {
	for _, exact := range []bool{true, false} {
		for n, floor := range floors {
			for _, p := range floor {
				if covers(p, pkg) && (p == pkg) == exact {
					return n
				}
			}
		}
	}
	return -1
}

func mayImport(from, to string) bool {
	f, t := floorOf(from), floorOf(to)
	if f != t {
		return t < f
	}
	return slices.ContainsFunc(arrows, func(a [2]string) bool {
		return covers(a[0], from) && covers(a[1], to)
	})
}

func TestFloors(t *testing.T) {
	for _, p := range listPackages(t) {
		from := relative(p.ImportPath)
		if floorOf(from) < 0 {
			t.Errorf("%s stands on no floor: add it to the table", from)
			continue
		}
		for _, i := range p.Imports {
			if within(i) {
				checkImport(t, from, relative(i))
				continue
			}
			checkForeign(t, from, i)
		}
	}
}

func checkImport(t *testing.T, from, to string) {
	t.Helper()
	if !mayImport(from, to) {
		t.Errorf("%s (floor %d) imports %s (floor %d)", from, floorOf(from), to, floorOf(to))
	}
	// The one who wires names the drivers; everybody else knows the contracts.
	driver := strings.HasPrefix(to, "backends/") && !strings.HasPrefix(from, "backends/")
	if driver && from != "cmd/sipedge" {
		t.Errorf("%s imports the driver %s: only cmd/sipedge may", from, to)
	}
	known := floorOf(to) == 0 || to == "schema" || strings.HasPrefix(to, "backends")
	if strings.HasPrefix(from, "backends/") && !known {
		t.Errorf("%s imports %s: a driver knows backends, sqlstore, relation, schema and floor 0",
			from, to)
	}
}

func checkForeign(t *testing.T, from, to string) {
	t.Helper()
	if from == "sip" && strings.Contains(strings.Split(to, "/")[0], ".") {
		t.Errorf("sip imports %s: it lives on the standard library", to)
	}
	if slices.Contains(noIO[from], to) {
		t.Errorf("%s imports %s: it does no I/O", from, to)
	}
	for mod, by := range owners {
		if (to == mod || strings.HasPrefix(to, mod+"/")) && !slices.Contains(by, from) {
			t.Errorf("%s imports %s: only %v may", from, to, by)
		}
	}
}

// The table itself: what must be refused is refused.
func TestFloorRules(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"sip", "sip/transport", false},
		{"sip/transport", "sip/transport/tcp", false},
		{"sip/transport/tcp", "sip/transport/stream", true},
		{"sip/transport/tcp", "sip/transport/udp", false},
		{"router/proxy", "router/action", false},
		{"router/proxy", "router/auth", false},
		{"router/table", "router/vars", true},
		{"router/vars", "router/table", false},
		{"router", "cmd/sipedge/internal/cli", false},
		{"schema", "sip/transaction", true},
		{"cmd/sipedge", "router", true},
	} {
		if got := mayImport(c.from, c.to); got != c.want {
			t.Errorf("mayImport(%s, %s) = %v, want %v", c.from, c.to, got, c.want)
		}
	}
	if floorOf(path.Join("router", "helpers")) >= 0 {
		t.Error("a package nobody planned stands on a floor")
	}
}
