package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// routeFixture shows that routes of a type act in a server that carries traffic.
type routeFixture struct {
	name string
	// routes continue a policy behind the rules of calls; CALLEE, SICK and OPS stand
	// for where those parties are.
	routes  string
	parties []party
}

// party is a SIPp that takes part. What its scenario receives in place of SEEN must have
// an X-Seen field that matches, unless seen is empty.
type party struct {
	name     string // CALLER, or how routes name it
	scenario string
	messages int // calls or messages that must succeed
	seen     string
}

const routeCalls = 20

var (
	caller = party{"CALLER", "uac", routeCalls, ""}
	callee = party{"CALLEE", "uas", routeCalls, ""}
	sick   = party{"SICK", "refuse_503", routeCalls, ""}
)

// sees is the party that insists on an X-Seen.
func (p party) sees(seen string) party { p.seen = seen; return p }

func ops(messages int, seen string) party { return party{"OPS", "uas_message", messages, seen} }

var routeFixtures = []routeFixture{
	{"request", `
    - do:
        - record_route: {}
        - set_header: {X-Seen: "request for {ruri.user}"}
        - relay: {to: "sip:CALLEE"}
`, []party{callee.sees("request for service"), caller}},
	{"branch", `
    - do: [{record_route: {}}, {relay: {to: "sip:CALLEE", branch: each}}]
  branch: {each: [{do: [{set_header: {X-Seen: "branch to {ruri.user}"}}]}]}
`, []party{callee.sees("branch to service"), caller}},
	{"failure", `
    - do: [{record_route: {}}, {relay: {to: "sip:SICK", failure: refused}}]
  failure:
    refused:
      - match: {status: 503}
        do: [{set_header: {X-Seen: "failure {status}"}}, {relay: {to: "sip:CALLEE"}}]
`, []party{callee.sees("failure 503"), sick, caller}},
	{"reply", `
    - do: [{record_route: {}}, {relay: {to: "sip:CALLEE", reply: seen}}]
  reply: {seen: [{match: {status: 200}, do: [{set_header: {X-Seen: "reply {status}"}}]}]}
`, []party{callee, caller.sees("reply 200")}},
	{"error", `
    - do: [{reply: {code: 404}}]
  error: [{do: [{reply: {code: 400, headers: {X-Seen: "error in {error.class}"}}}]}]
`, []party{{"CALLER", "uac_malformed", routeCalls, "error in max-forwards"}}},
	{"local", `
    - do: [{record_route: {}}, {relay: {to: "sip:SICK", failure: refused}}]
  failure:
    refused:
      - do: [{send_request: {method: MESSAGE, to: "sip:ops@OPS"}}, {relay: {to: "sip:CALLEE"}}]
  local: [{do: [{set_header: {X-Seen: "local {ruri.user} of {from.host}"}}]}]
`, []party{callee, sick, ops(routeCalls, "local ops of edge.test"), caller}},
	{"startup", `
    - do: [{reply: {code: 404}}]
  startup: [{send_request: {method: MESSAGE, to: "sip:ops@OPS", headers: {X-Seen: startup}}}]
`, []party{ops(1, "startup")}},
	{"timer", `
    - do: [{reply: {code: 404}}]
  timer:
    often:
      every: 200ms
      do: [{send_request: {method: MESSAGE, to: "sip:ops@OPS", headers: {X-Seen: timer}}}]
`, []party{ops(3, "timer")}},
}

// Every type of route does its work in a server, and another SIP implementation sees it.
func TestSIPpRoutes(t *testing.T) {
	needs(t, "sipp")
	for _, f := range routeFixtures {
		t.Run(f.name, f.run)
	}
}

func (f *routeFixture) run(t *testing.T) {
	policy := testHead + "domains: [edge.test]\n" + withinDialogs + f.routes
	running := make([]*sipp, len(f.parties))
	loads := make([]load, len(f.parties))
	for i, p := range f.parties {
		loads[i] = load{p.messages, 40, callLength}
		if p.name != "CALLER" {
			s, at := startUAS(t, p.insisting(t), "udp", "127.0.0.1", loads[i])
			running[i] = s
			policy = strings.ReplaceAll(policy, p.name, at.String())
		}
	}
	s := startServer(t, policy)
	for i, p := range f.parties {
		if p.name == "CALLER" {
			running[i] = startUAC(t, p.insisting(t), "udp", s.addr("udp", false), loads[i])
		}
	}
	for i, p := range f.parties {
		n, failed := running[i].wait(30 * time.Second)
		more := f.name == "timer" && n > p.messages // which goes on until nobody is there
		if n != p.messages && !more || failed > 0 {
			t.Errorf("%s route: %s: %d succeeded, %d failed, want %d",
				f.name, p.name, n, failed, p.messages)
		}
	}
}

// insisting is the scenario, with the check of X-Seen in it.
func (p party) insisting(t *testing.T) string {
	t.Helper()
	if p.seen == "" {
		return p.scenario
	}
	b, err := os.ReadFile(filepath.Join("testdata", "sipp", p.scenario+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	const check = `><action><ereg regexp="^ *SEEN *$" search_in="hdr" header="X-Seen:" ` +
		`check_it="true" assign_to="seen"/></action></recv>`
	place := map[string]string{
		"uas":           `<recv request="INVITE" rrs="true"></recv>`,
		"uac":           `<recv response="200" rrs="true"></recv>`,
		"uac_malformed": `<recv response="400"></recv>`,
		"uas_message":   `<recv request="MESSAGE"></recv>`,
	}[p.scenario]
	if strings.Count(string(b), place) != 1 {
		t.Fatalf("%s: no place to check", p.scenario)
	}
	text := strings.Replace(string(b), place, strings.TrimSuffix(place, "></recv>")+
		strings.Replace(check, "SEEN", p.seen, 1), 1)
	text = strings.Replace(text, "</scenario>", "<Reference variables=\"seen\"/>\n</scenario>", 1)
	file := filepath.Join(t.TempDir(), p.scenario+".xml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
