package router

import (
	"strings"
	"testing"

	"sipedge/backends"
)

// Aliases and speed dials become the Request-URI, or the arm runs, or what is done without.
func TestAliases(t *testing.T) {
	for _, tt := range []struct{ name, step, uri, want string }{
		{"alias", "alias_lookup: {backend: store}", "sip:sales@example.net",
			"MESSAGE sip:bob@example.net"},
		{"of another domain", "alias_lookup: {backend: store}", "sip:sales@example.com",
			"MESSAGE sip:dave@example.com"}, // which has none of its own
		{"of no domain", "alias_lookup: {backend: store}", "sip:sales@example.org", "404"},
		{"of any domain", "alias_lookup: {backend: store, use_domain: false}",
			"sip:sales@example.org", "MESSAGE sip:bob@example.net"},
		{"in capitals", "alias_lookup: {backend: store}", "sip:sales@EXAMPLE.net",
			"MESSAGE sip:bob@example.net"},
		{"escaped", "alias_lookup: {backend: store}", "sip:%73ales@example.net",
			"MESSAGE sip:bob@example.net"},
		{"none", "alias_lookup: {backend: store}", "sip:bob@example.net", "404"},
		{"none, with an arm", "alias_lookup: {backend: store, on_none: arm}", "sip:bob@example.net",
			"480"},
		{"no user", "alias_lookup: {backend: store}", "sip:example.net", "404"},
		{"another table", "alias_lookup: {backend: store, table: other}", "sip:sales@example.net", "404"},
		{"no URI", "alias_lookup: {backend: store}", "sip:broken@example.net", "500"},
		{"injection", "alias_lookup: {backend: store, on_none: arm}",
			"sip:'%20OR%20''='@example.net", "480"},
		{"failure", "alias_lookup: {backend: dead}", "sip:sales@example.net", "503"},
		{"failure, with an arm", "alias_lookup: {backend: dead, on_error: arm, on_none: other}",
			"sip:sales@example.net", "480"},
		{"speed dial", "speed_dial: {backend: store}", "sip:2@example.net",
			"MESSAGE sip:+4930123@example.com"},
		{"of both domains", "speed_dial: {backend: store, use_domain: both}", "sip:2@example.org",
			"MESSAGE sip:+4930123@example.com"},
		{"not of both", "speed_dial: {backend: store, use_domain: both}", "sip:2@example.net", "404"},
		{"another's", "speed_dial: {backend: store}", "sip:3@example.net", "404"},
		{"of any domain", "speed_dial: {backend: store, use_domain: none}", "sip:3@example.net",
			"MESSAGE sip:other@example.net"},
		{"nobody's", "speed_dial: {backend: store, owner: auth}", "sip:2@example.net", "404"},
		{"no URI", "speed_dial: {backend: store}", "sip:4@example.net", "500"},
		{"failure", "speed_dial: {backend: dead}", "sip:2@example.net", "503"},
	} {
		r, w := onWireWith(t, head+"  request: [{do: [{"+tt.step+`}, {forward: {to: "sip:192.0.2.9"}}]}]
  sub: {arm: [{do: [{reply: {code: 480}}]}], other: [{do: [{reply: {code: 481}}]}]}
`)
		sent := w.ask(r, "MESSAGE "+tt.uri)
		got := strings.Join(sent, "\n")
		if len(sent) != 1 || !strings.HasPrefix(strings.TrimPrefix(got, "SIP/2.0 "), tt.want+" ") {
			t.Errorf("%s %s: want %s, got %q", tt.step, tt.uri, tt.want, sent)
		}
	}
}

// With branches an alias is all its rows.
func TestAliasBranches(t *testing.T) {
	r, w := onWire(t, head+`  request:
    - do: [{alias_lookup: {backend: store, branches: true}}, {redirect: {code: 302}}]
`)
	got := strings.Join(w.ask(r, "MESSAGE sip:sales@example.net"), "\n")
	for _, want := range []string{"302", "<sip:bob@example.net>", "<sip:carol@example.org>"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

// onWireWith is onWire with a database that can't answer beside the one that does.
func onWireWith(t *testing.T, policy string) (*Router, *wire) {
	dead := &backends.Stub{Fails: true}
	dead.Begin()
	return onWireOver(t, policy, func(name string) backends.DB {
		if name == "dead" {
			return dead
		}
		return rows(name)
	})
}
