package check_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sipedge/router"
	"sipedge/router/check"
	"sipedge/schema"
)

// What random policies name, few of each, so that rules and messages meet.
var (
	someUsers = []string{"1", "12", "123", "1234", "49", "4930", "alice", "ALICE", "a,b c", "bob"}
	someHosts = []string{"example.net", "Example.ORG", "sip.example.org", "192.0.2.1", "2001:db8::1",
		"10.0.0.9"}
	someMethods = []string{"INVITE", "BYE", "MESSAGE", "OPTIONS", "ACK", "CANCEL", "UNHEARDOF"}
	someNets    = []string{"10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3", "192.0.2.0/24",
		"2001:db8::/32", "0.0.0.0/0"}
	someSources = []string{"10.1.2.3", "10.1.2.9", "10.1.9.9", "10.9.9.9", "192.0.2.1", "8.8.8.8"}
	someValues  = []string{"a", "b", "ab", "abc", "B", "x y"}
	someHeaders = []string{"X-A", "X-B", "Subject", "User-Agent", "Supported", "Contact", "Call-ID"}
	someRegexes = []string{"^1", "2$", "^[a-z]+$", "[0-9]{3}", "b", "^a.*c$", "^$", "^(ab|12)"}
	someTypes   = []string{"application/sdp", "text/plain", "multipart/mixed"}
	someCodecs  = []string{"PCMA", "opus", "G729"}
)

// author writes random policies.
type author struct{ *rand.Rand }

func one[T any](a author, from []T) T { return from[a.IntN(len(from))] }

func (a author) chance(percent int) bool { return a.IntN(100) < percent }

func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"` }

func (a author) list(from []string) string {
	some := make([]string, 1+a.IntN(2))
	for i := range some {
		some[i] = quote(one(a, from))
	}
	return "[" + strings.Join(some, ", ") + "]"
}

// text is a #Str, of any kind.
func (a author) text(from []string) string {
	part := func() string { s := one(a, from); return s[a.IntN(len(s)):] }
	switch a.IntN(10) {
	case 0, 1:
		return a.list(from)
	case 9:
		return one(a, []string{"{in: some}", "{in: numbers}", "{in: some, prefix: a}"})
	case 2:
		s := one(a, from)
		return "{prefix: " + quote(s[:1+a.IntN(len(s))]) + "}"
	case 3:
		return "{suffix: " + quote(part()) + "}"
	case 4:
		return "{contains: " + quote(part()) + "}"
	case 5:
		return "{regex: '" + one(a, someRegexes) + "'}"
	case 6:
		return fmt.Sprintf("{empty: %t}", a.chance(50))
	case 7:
		return "{exact: " + a.list(from) + ", ignore_case: true}"
	}
	return "[" + quote(one(a, from)) + ", {prefix: " + quote(one(a, from)[:1]) + "}]"
}

func (a author) number(from ...int) string {
	n := one(a, from)
	return one(a, []string{fmt.Sprint(n), fmt.Sprintf("{min: %d}", n), fmt.Sprintf("{max: %d}", n),
		fmt.Sprintf("{min: %d, max: %d}", n, n+a.IntN(20))})
}

func (a author) uri() string {
	var parts []string
	for _, i := range a.Perm(6)[:1+a.IntN(2)] {
		parts = append(parts, []func() string{
			func() string { return "user: " + a.text(someUsers) },
			func() string { return "host: " + a.text(someHosts) },
			func() string { return "port: " + a.number(5060, 5080) },
			func() string { return fmt.Sprintf("myself: %t", a.chance(50)) },
			func() string { return "scheme: " + a.list([]string{"sip", "sips", "tel"}) },
			func() string {
				return "params: {" + one(a, []string{"transport", "x"}) + ": " +
					one(a, []string{"true", "false", a.text([]string{"tcp", "udp", "y"})}) + "}"
			},
		}[i]())
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// kinds are the matchers of requests, and of replies without those of URIs.
var kinds = []string{
	"in_dialog", "max_forwards", "headers", "headers", "body", "vars", "vars", "any", "not", "all",
	"direction", "source", "source_port", "transport", "family", "listener", "size",
	"method", "uri", "uri", "uri", "from", "to", "contact",
}

func (a author) match(kinds []string, depth int) string {
	var parts []string
	seen := map[string]bool{}
	for range 1 + a.IntN(3) {
		kind := one(a, kinds)
		if seen[kind] || depth == 0 && (kind == "any" || kind == "not" || kind == "all") {
			continue
		}
		seen[kind] = true
		parts = append(parts, kind+": "+a.matcher(kind, kinds, depth))
	}
	if len(parts) == 0 {
		return "{method: " + one(a, someMethods) + "}"
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func (a author) matcher(kind string, kinds []string, depth int) string {
	switch kind {
	case "method":
		return a.list(someMethods)
	case "uri", "from", "to", "contact":
		return a.uri()
	case "headers":
		names := someHeaders
		switch received := slices.Contains(kinds, "source"); {
		case received && a.chance(10):
			names = []string{"Via", "From", "CSeq", "Max-Forwards", "Content-Type"}
		case !received: // the Call-ID of a request of the router's is any
			names = names[:len(names)-1]
		}
		name := one(a, names)
		if a.chance(20) {
			name += one(a, []string{"[0]", "[1]", "[-1]"})
		}
		return "{'" + name + "': " + one(a, []string{"true", "false", a.text(someValues),
			a.text(someValues)}) + "}"
	case "direction":
		return one(a, []string{"upstream", "downstream"})
	case "source":
		return one(a, []string{a.list(someNets), "{in: nets}"})
	case "source_port":
		return a.number(5060, 4000)
	case "transport":
		return one(a, []string{"udp", "tcp"})
	case "family":
		return one(a, []string{"inet", "inet6"})
	case "listener":
		return one(a, []string{"udp:10.0.0.9:5060", "tcp:10.0.0.9:5060", "\"udp:[2001:db8::9]:5060\""})
	case "in_dialog":
		return fmt.Sprint(a.chance(50))
	case "status":
		return one(a, []string{"5xx", "486", "[404, 6xx]"})
	case "cause":
		return one(a, []string{"timeout", "transport"})
	case "max_forwards":
		return a.number(70, 10, 69, 255)
	case "size":
		return a.number(500, 900, 350)
	case "body":
		return one(a, []string{
			"{type: " + a.text(someTypes) + "}", "{sdp: {private_ip: true}}", "{sdp: {}}",
			"{sdp: {codec: " + a.text(someCodecs) + "}}",
			"{sdp: {media: [audio, video], codec: " + quote(one(a, someCodecs)) + "}}",
			"{sdp: {media: image}}",
		})
	case "vars":
		return "{" + one(a, []string{
			"avp.flag: true", "avp.flag: false", "var.n: " + a.number(1, 2, 3), "var.n: false",
			"avp.s: " + a.text(someUsers), "avp.s: true", "var.s: " + a.text(someValues),
			"var.src: " + a.list(someNets), "avp.stack: " + a.text(someUsers), "avp.stack: false",
		}) + "}"
	case "not":
		return a.match(kinds, depth-1)
	}
	return "[" + a.match(kinds, depth-1) + ", " + a.match(kinds, depth-1) + "]"
}

// edit is a step that writes what later rules read.
func (a author) edit() string {
	user, value := quote(one(a, someUsers[:5])), quote(one(a, someValues))
	return "{" + one(a, []string{
		"set_user: " + user, "prefix: " + user, "strip: 1", "strip: 2", "strip_tail: 1",
		"set_host: " + one(a, []string{"example.net", "192.0.2.1", "gw.example.com"}),
		"set_port: 5080", "rewrite_uri: " + quote("sip:12@example.net"), "revert_uri: {}",
		"rewrite_uri: " + quote("sip:{from.user}@example.com;x=y"), "set_user: " + quote("{from.user}"),
		"set_header: {X-A: " + value + "}", "add_header: {X-A: " + value + "}", "remove_header: X-A",
		"set_header: {X-B: " + quote("{headers.X-A}") + "}", "add_header: {X-B: " + value + "}",
		"set: {avp.flag: true}", "set: {avp.flag: false}", "set: {var.n: 2}", "unset: var.n",
		"set: {avp.s: " + user + "}", "set: {avp.s: " + quote("{ruri.user}") + "}",
		"set: {var.s: " + quote("{headers.X-B}") + "}", "set: {var.s: " + value + "}",
		"set: {var.src: " + quote("{source.ip}") + "}", "push: {avp.stack: " + user + "}",
		"pop: avp.stack", "unset: avp.stack",
	}) + "}"
}

// policy has about thirty rules, in routes of every type.
func (a author) policy() string {
	var b strings.Builder
	b.WriteString(`version: 1
listen: [{udp: "10.0.0.9:5060"}, {tcp: "10.0.0.9:5060"}, {udp: "[2001:db8::9]:5060"}]
domains: [example.net]
methods: [UNHEARDOF]
tables:
  some: {set: {values: ["12", alice, ab, "x y"]}}
  numbers: {prefix: {values: ["49", "12"]}}
  nets: {cidr: {values: [10.1.0.0/16, 192.0.2.1/32, "2001:db8::/32"]}}
vars: {avp.flag: bool, var.n: int, avp.s: string, var.s: string, var.src: ip, avp.stack: string}
routes:
  request:
`)
	n := 0
	// Of some rules the author says how they end; they match in simpler ways.
	rules := func(indent string, count int, kinds, ends []string, edits int, forced ...string) {
		at := a.Perm(count - 1)[:len(forced)]
		for i := range count {
			n++
			fmt.Fprintf(&b, "%s- name: r%d\n", indent, n)
			if k := slices.Index(at, i); k >= 0 {
				fmt.Fprintf(&b, "%s  match: %s\n", indent, a.match(kinds[:8], 0))
				fmt.Fprintf(&b, "%s  do: [%s]\n", indent, forced[k])
				continue
			}
			if i < count-1 || a.chance(50) && indent != "    " && len(ends) > 1 {
				fmt.Fprintf(&b, "%s  match: %s\n", indent, a.match(kinds, 2))
			}
			do := ""
			if a.chance(edits) && i < count-1 {
				for range 1 + a.IntN(2) {
					do += a.edit() + ", "
				}
			}
			switch {
			case i == count-1 && indent == "    " && ends[0] == "{reply: {code: 404}}":
				do += ends[0]
			case do == "" || a.chance(30):
				do += one(a, ends)
			}
			fmt.Fprintf(&b, "%s  do: [%s]\n", indent, strings.TrimSuffix(do, ", "))
		}
	}
	const reply, log = "{reply: {code: 404}}", "{log: {message: x}}"
	rules("    ", 18, kinds, []string{reply, reply, "{drop: {}}", log}, 35, "{route: s}", "{route: t}",
		one(a, []string{"{loose_route: {on_none: n}}", "{loose_route: {verify: none, on_none: n}}"}),
		"{max_forwards: {limit: 10, on_exceed: n}}",
		"{relay: {to: 'sip:192.0.2.99', failure: f, branch: b, reply: o}}",
		"{relay: {to: 'sip:192.0.2.98', failure: g}}", "{relay: {failure: f, reply: o}}")
	b.WriteString("  sub:\n    s:\n")
	rules("      ", 4, kinds, []string{reply, "{return: {}}"}, 40)
	b.WriteString("    t:\n")
	rules("      ", 3, kinds, []string{reply, log}, 40)
	b.WriteString("    n:\n")
	rules("      ", 2, kinds, []string{reply}, 0)
	b.WriteString("  branch:\n    b:\n")
	rules("      ", 2, kinds, []string{"{drop: {}}", log, log}, 30)
	b.WriteString("  failure:\n    f:\n")
	results := append([]string{"status", "cause"}, kinds...)
	rules("      ", 4, results, []string{"{reply: {code: 480}}", log}, 40,
		"{relay: {to: 'sip:192.0.2.97', failure: g}}")
	b.WriteString("    g:\n")
	rules("      ", 3, results, []string{"{reply: {code: 480}}", log}, 40,
		"{send_request: {method: MESSAGE, to: 'sip:12@example.net', headers: {X-A: ab}}}")
	b.WriteString("  reply:\n    o:\n")
	rules("      ", 3, append([]string{"status"}, kinds[:10]...), []string{log}, 0)
	b.WriteString("  error:\n")
	rules("    ", 3, kinds[10:], []string{"{drop: {}}", "{reply: {code: 400}}"}, 0)
	b.WriteString("  local:\n")
	rules("    ", 3, []string{"method", "uri", "from", "to", "headers", "max_forwards"},
		[]string{log}, 0)
	return b.String()
}

// load compiles a random policy.
func load(t *testing.T, text string) *schema.Document {
	t.Helper()
	doc, src, diags := schema.LoadBytes("policy.yaml", []byte(text), router.Vocabulary())
	if doc == nil {
		t.Fatalf("%s\n%s", diags.Text(src), text)
	}
	if p, diags := router.Compile(doc, router.Env{}); p == nil {
		t.Fatalf("%s\n%s", diags.Text(src), text)
	}
	return doc
}

// messages are sent to each random policy.
const messages = 10_000

// TestRandomPolicies: of policies with random rules every rule is decided; an example that
// reaches a rule does so through the router; no random message reaches one that none is to.
func TestRandomPolicies(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			text := author{rand.New(rand.NewPCG(seed, 1))}.policy()
			doc := load(t, text)
			w := newWorld(t, doc)
			count := map[check.Status]int{}
			never := map[string]string{}
			for _, v := range check.Policy(doc).Verdicts {
				count[v.Status]++
				is := fmt.Sprintf("%s %s (line %d)", v.Route, v.Rule.Name, v.Rule.Pos.Line)
				switch v.Status {
				case check.Undecided:
					t.Errorf("%s is undecided: %s", is, v.Why)
				case check.Unreachable:
					never[v.Rule.Name] = is
				case check.Reached:
					if hit := w.play(v.Example); !slices.Contains(hit, rule{v.Route, v.Index}) {
						t.Errorf("%s is not hit by %s: %v\n%s", is, v.Example, hit, v.Example.Text)
					}
				}
			}
			w.trace = nil
			a := author{rand.New(rand.NewPCG(seed, 2))}
			for n := range messages {
				w.send(a.request(w, n))
			}
			hits := 0
			for _, r := range w.router.Stats().Rules {
				if is := never[r.Rule]; r.Hits > 0 && is != "" {
					t.Errorf("%s is unreachable, and was hit", is)
				} else if r.Hits > 1 {
					hits++
				}
			}
			t.Log(hits)
			t.Log(count)
			if t.Failed() {
				t.Log("\n" + text)
			}
		})
	}
}
