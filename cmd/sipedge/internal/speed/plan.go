//go:build unix

package main

import (
	"fmt"
	"io"
	"math/rand/v2"
)

// A plan is the policy of a provider: customers that call by a carrier, numbers that are
// called, destinations, domains of others, groups with hours, agents that are refused.
// What its rules say is written so that YAML and CUE read it alike.
type plan struct {
	request []rule
	sub     []list
	failure []list
	cases   []testCase
}

type list struct {
	name  string
	rules []rule
}

// rule is one as text; a rule without match has "".
type rule struct{ name, match, do string }

// testCase is a request one rule is for, and what becomes of it.
type testCase struct{ given, expect string }

// perCarrier is how many rules there are for each carrier, its own included.
const perCarrier = 50

// newPlan makes a plan of n rules in all routes together; n always makes the same.
func newPlan(n int) *plan {
	p := &plan{request: prelude, failure: failures}
	p.sub = []list{{"no_call", []rule{{"no call of ours", "", `[{reply: {code: 481}}]`}}}}
	carriers := (n + perCarrier - 1) / perCarrier
	for k := range carriers {
		p.sub = append(p.sub, carrier(k))
	}
	last := rule{"nobody of ours", "", `[{reply: {code: 403, reason: "Relay Forbidden"}}]`}
	more := n - len(p.request) - 1
	for _, l := range append(p.sub, p.failure...) {
		more -= len(l.rules)
	}
	random := rand.New(rand.NewPCG(1, uint64(n)))
	for i, id := range random.Perm(more) {
		r, c := kinds[i%len(kinds)](id, random.IntN(carriers))
		p.request, p.cases = append(p.request, r), append(p.cases, c)
	}
	p.request = append(p.request, last)
	return p
}

// prelude is what stands before the rules of customers.
var prelude = []rule{
	{"in dialog", `{in_dialog: true}`, `[{loose_route: {on_none: "no_call"}}, {relay: {}}]`},
	{"ping", `{method: "OPTIONS", uri: {myself: true}}`, `[{reply: {code: 200}}]`},
	{"scanner", `{headers: {"User-Agent": {in: "scanners"}}}`, `[{drop: {}}]`},
	{"route brought along", `{headers: {Route: true}}`, `[{reply: {code: 403}}]`},
}

var failures = []list{
	{"next_gateway", []rule{{"second gateway", `{status: [408, "5xx"]}`,
		`[{set_header: {"X-Form": "{avp.form}"}}, {relay: {to: "sip:198.51.100.252"}}]`}}},
	{"voicemail", []rule{{"no answer", `{status: [408, 480, 486]}`,
		`[{set_user: "vm-{ruri.user}"}, {relay: {to: "sip:198.51.100.253"}}]`}}},
}

// carrier is the sub-route of one.
func carrier(k int) list {
	return list{fmt.Sprintf("carrier_%d", k), []rule{
		{"abroad", `{uri: {user: {prefix: "00"}}}`,
			`[{strip: 2}, {prefix: "+"}, {set: {"avp.form": "abroad"}}]`},
		{"emergency", `{uri: {user: ["110", "112"]}}`,
			`[{log: {level: "warn", message: "{from.user} calls {ruri.user}"}},` +
				` {relay: {to: "sip:198.51.100.251"}}]`},
		{"number", `{uri: {user: {regex: "^[+]?[0-9]{3,15}$"}}}`,
			fmt.Sprintf(`[{set_header: {"X-Customer": "{avp.customer}"}},`+
				` {relay: {to: "sip:%s", failure: "next_gateway"}}]`, gateway(k))},
		{"no number", "", `[{reply: {code: 484}}]`},
	}}
}

func gateway(k int) string { return fmt.Sprintf("198.51.100.%d", 1+k%250) }

// kinds are the kinds of rules, as many of each as there are in ten: a rule is about the
// thing id, and sends by a carrier.
var kinds = [10]func(id, carrier int) (rule, testCase){
	customer, called, destination, called, domain,
	customer, called, destination, group, agent,
}

// customer is who calls out from a network of his own.
func customer(id, carrier int) (rule, testCase) {
	net := fmt.Sprintf("10.%d.%d", id>>8, id&255)
	host := fmt.Sprintf("c%d.example.org", id)
	r := rule{fmt.Sprintf("customer %d", id),
		fmt.Sprintf(`{method: "INVITE", source: "%s.0/24", from: {host: %q}}`, net, host),
		fmt.Sprintf(`[{record_route: {}}, {set: {"avp.customer": "c%d"}}, {route: "carrier_%d"}]`,
			id, carrier)}
	return r, testCase{
		fmt.Sprintf(`{uri: "sip:+4420%07d@example.net", source: "%s.9", from: "sip:alice@%s"}`,
			id, net, host),
		fmt.Sprintf(`{path: [%q, number], relayed_to: "sip:%s", headers: {X-Customer: c%d}}`,
			r.name, gateway(carrier), id)}
}

// called is a number of a customer.
func called(id, _ int) (rule, testCase) {
	number := fmt.Sprintf("+4930%07d", 1_000_000+id*83)
	r := rule{"number " + number,
		fmt.Sprintf(`{uri: {myself: true, user: %q}}`, number),
		fmt.Sprintf(`[{record_route: {}}, {set_user: "u%d"},`+
			` {relay: {to: "sip:198.51.100.254", failure: "voicemail"}}]`, id)}
	return r, testCase{
		fmt.Sprintf(`{uri: "sip:%s@example.net"}`, number),
		fmt.Sprintf(`{path: [%q], uri: {prefix: "sip:u%d@"}, reply: 200}`, r.name, id)}
}

// destination is where numbers with a prefix go.
func destination(id, carrier int) (rule, testCase) {
	prefix := fmt.Sprintf("+%06d", 500_000+id)
	r := rule{"to " + prefix,
		fmt.Sprintf(`{method: "INVITE", source: "203.0.113.0/24", uri: {user: {prefix: %q}}}`,
			prefix),
		fmt.Sprintf(`[{record_route: {}}, {set_header: {"X-Zone": "z%d"}},`+
			` {relay: {to: "sip:%s", failure: "next_gateway", fr_timer: "4s"}}]`,
			id, gateway(carrier))}
	return r, testCase{
		fmt.Sprintf(`{uri: "sip:%s1234@example.com", source: 203.0.113.9}`, prefix),
		fmt.Sprintf(`{path: [%q], relayed_to: "sip:%s"}`, r.name, gateway(carrier))}
}

// domain is one of others that ours call.
func domain(id, _ int) (rule, testCase) {
	host := fmt.Sprintf("d%d.example.com", id)
	r := rule{"domain " + host,
		fmt.Sprintf(`{source: "203.0.113.0/24", uri: {host: %q}}`, host),
		`[{add_header: {"X-From": "{source.ip}"}}, {record_route: {}}, {relay: {}}]`}
	return r, testCase{
		fmt.Sprintf(`{uri: "sip:bob@%s", source: 203.0.113.9}`, host),
		fmt.Sprintf(`{path: [%q], relayed_to: "sip:%s"}`, r.name, host)}
}

// group is a number with hours.
func group(id, _ int) (rule, testCase) {
	r := rule{fmt.Sprintf("group %d", id),
		fmt.Sprintf(`{uri: {myself: true, user: "group%d"}, time: {from: "08:00", to: "18:00"}}`, id),
		fmt.Sprintf(`[{log: {message: "{from.user} calls group %d"}},`+
			` {redirect: {to: "sip:desk%d@example.net"}}]`, id, id)}
	return r, testCase{
		fmt.Sprintf(`{uri: "sip:group%d@example.net", time: 2026-03-02T%02d:00:00+00:00}`,
			id, 8+id%10),
		fmt.Sprintf(`{path: [%q], reply: 302}`, r.name)}
}

// agent is a program that is not wanted.
func agent(id, _ int) (rule, testCase) {
	r := rule{fmt.Sprintf("agent %d", id),
		fmt.Sprintf(`{headers: {"User-Agent": {regex: "^Agent%d/[0-9]+"}}}`, id),
		`[{log: {level: "warn", message: "{user_agent} of {source.ip}"}}, {reply: {code: 403}}]`}
	return r, testCase{
		fmt.Sprintf(`{uri: "sip:bob@example.net", headers: {User-Agent: Agent%d/7}}`, id),
		fmt.Sprintf(`{path: [%q], reply: 403}`, r.name)}
}

// head is the policy without its routes, in YAML and in CUE.
const head = `version: 1
listen: [{udp: "192.0.2.10:5060"}, {tcp: "192.0.2.10:5060"}]
domains: ["example.net"]
vars: {"avp.customer": "string", "avp.form": "string"}
tables: {scanners: {set: {values: ["friendly-scanner", "sipvicious"]}}}
`

// yaml writes the plan as a policy.
func (p *plan) yaml(w io.Writer) {
	io.WriteString(w, head+"routes:\n  request:\n")
	rules := func(indent string, rules []rule) {
		for _, r := range rules {
			fmt.Fprintf(w, "%s- name: %q\n", indent, r.name)
			if r.match != "" {
				fmt.Fprintf(w, "%s  match: %s\n", indent, r.match)
			}
			fmt.Fprintf(w, "%s  do: %s\n", indent, r.do)
		}
	}
	rules("    ", p.request)
	io.WriteString(w, "  sub:\n")
	for _, l := range p.sub {
		fmt.Fprintf(w, "    %s:\n", l.name)
		rules("      ", l.rules)
	}
	io.WriteString(w, "  failure:\n")
	for _, l := range p.failure {
		fmt.Fprintf(w, "    %s:\n", l.name)
		rules("      ", l.rules)
	}
}

// cue writes the plan as a policy in CUE.
func (p *plan) cue(w io.Writer) {
	io.WriteString(w, "package policy\n\n"+head)
	rules := func(path string, rules []rule) {
		fmt.Fprintf(w, "routes: %s: [\n", path)
		for _, r := range rules {
			fmt.Fprintf(w, "\t{\n\t\tname: %q\n", r.name)
			if r.match != "" {
				fmt.Fprintf(w, "\t\tmatch: %s\n", r.match)
			}
			fmt.Fprintf(w, "\t\tdo: %s\n\t},\n", r.do)
		}
		io.WriteString(w, "]\n")
	}
	rules("request", p.request)
	for _, l := range p.sub {
		rules("sub: "+l.name, l.rules)
	}
	for _, l := range p.failure {
		rules("failure: "+l.name, l.rules)
	}
}

// tests writes a test file of n cases each of another rule while
// there are some.
func (p *plan) tests(w io.Writer, n int) {
	io.WriteString(w, "given: {source: 192.0.2.77, from: \"sip:carol@example.com\"}\ntests:\n")
	for i := range n {
		c := p.cases[i%len(p.cases)]
		fmt.Fprintf(w, "  - name: case %d\n    given: %s\n    expect: %s\n", i, c.given, c.expect)
	}
}
