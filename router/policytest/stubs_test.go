package policytest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sipedge/backends"
	"sipedge/backends/memory"
	"sipedge/router"
	"sipedge/schema"
)

// outside is a driver that no test of a policy opens.
var outside = backends.Driver{
	Name: "database", Schema: `{}`,
	Open: func(*backends.Opening) (backends.Backend, schema.Diagnostics) { panic("opened") },
}

const registrarPolicy = `version: 1
listen: [{udp: "192.0.2.10:5060"}]
domains: [example.net, {in: served}]
backends: {store: {database: {}}, contacts: {memory: {}}}
vars: {avp.target: string}
tables:
  served: {set: {sql: {backend: store, table: domain, key: domain}, refresh: notify}}
  did: {map: {sql: {backend: store, table: did, key: number, value: target}}}
routes:
  request:
    - match: {method: REGISTER, to: {myself: true}}
      do:
        - authenticate: {kind: www, users: store, domain: "{to.host}", on_error: down}
        - save: {location: contacts}
    - match: {from: {myself: true}}
      do: [{authenticate: {users: store, domain: "{from.host}", on_error: down}}]
    - name: numbers
      match: {uri: {user: {in: did}}}
      do:
        - query: {table: did, key: "{ruri.user}", into: avp.target}
        - relay: {to: "sip:{avp.target}"}
    - match: {uri: {myself: true}}
      do: [{lookup: {location: contacts, on_error: down}}, {relay: {}}]
    - match: {uri: {user: {prefix: "+"}}}
      do: [{enum: {on_error: down}}, {serialize_branches: {}}, {relay: {failure: next}}]
    - do: [{reply: {code: 403}}]
  failure: {next: [{do: [{next_branches: {}}, {relay: {}}]}]}
  sub: {down: [{do: [{reply: {code: 500}}]}]}
`

// loadStubs makes a file of tests of the policy above; the File is nil if there are mistakes.
func loadStubs(t *testing.T, tests string) (*File, string) {
	t.Helper()
	return loadPolicy(t, registrarPolicy, tests)
}

func loadPolicy(t *testing.T, policy, tests string) (*File, string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"policy.yaml": policy, "policy.test.yaml": tests,
	} {
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, src, diags, err := Load(dir+"/policy.test.yaml",
		router.VocabularyWith([]backends.Driver{memory.Driver, outside}))
	if err != nil {
		t.Fatal(err)
	}
	return f, diags.Text(src)
}

const stubs = `
given: {from: "sip:dave@example.edu"}
users: {alice@example.net: secret, alice@example.org: {password: other, columns: {rpid: x}}}
bindings: {bob@example.net: ["sip:bob@203.0.113.5", {contact: "sip:bob@203.0.113.6", q: 0.5}]}
enum: {"+4930": ["sip:a@203.0.113.7", "sip:b@203.0.113.8"], "+4931": fails}
backends: {store: {domain: [{domain: example.org}], did: [{number: "100", target: gw1.example}]}}
tests:
`

// Users, bindings and databases are as the file says, or the case.
func TestStubs(t *testing.T) {
	const fromAlice = `uri: "sip:bob@example.net", from: "sip:alice@example.net"`
	for _, tt := range []struct{ name, test, want string }{
		{"no credentials", `given: {` + fromAlice + `}, expect: {reply: 407}`, ""},
		{"with", `given: {` + fromAlice + `, auth: alice@example.net},
      expect: {sent: [{uri: "sip:bob@203.0.113.5"}, {uri: "sip:bob@203.0.113.6"}]}`, ""},
		{"a rule that waited is one", `given: {` + fromAlice + `, auth: alice@example.net},
      expect: {path: [request/2, request/4]}`, ""},
		{"the user of another domain",
			`given: {` + fromAlice + `, auth: alice@example.org}, expect: {reply: 407}`, ""},
		{"in the other domain", `given: {uri: "sip:bob@example.net", from: "sip:alice@example.org",
      auth: alice@example.org}, expect: {reply: 200}`, ""},
		{"a domain that is not served", `given: {uri: "sip:bob@example.net",
      from: "sip:alice@example.com"}, expect: {reply: 200}`, ""},
		{"other domains", `backends: {store: {domain: [{domain: example.com}]}},
      given: {uri: "sip:bob@example.net", from: "sip:alice@example.com"},
      expect: {reply: 407}`, ""},
		{"a wrong password", `given: {` + fromAlice + `, auth: {user: alice, password: guess}},
      expect: {reply: 407}`, ""},
		{"nothing to answer", `given: {uri: "sip:x@example.com", auth: alice@example.net}`,
			"is not challenged"},
		{"a row", `given: {uri: "sip:100@example.com"}, expect: {relayed_to: gw1.example}`, ""},
		{"no such row", `given: {uri: "sip:101@example.com"}, expect: {reply: 403}`, ""},
		{"rows of the case", `tables: {did: {"101": gw2.example}},
      given: {uri: "sip:101@example.com"}, expect: {relayed_to: gw2.example}`, ""},
		{"users of the case", `users: {carol: pw}, given: {uri: "sip:bob@example.net",
      from: "sip:carol@example.org", auth: carol}, expect: {reply: 200}`, ""},
		{"bindings of the case", `bindings: {eve@example.net: "sip:eve@203.0.113.7"},
      given: {uri: "sip:eve@example.net"}, expect: {relayed_to: 203.0.113.7}`, ""},
		{"not of another case", `given: {uri: "sip:eve@example.net"}, expect: {reply: 404}`, ""},
		{"a number", `given: {uri: "sip:+4930@example.com"}, expect: {relayed_to: 203.0.113.7}`, ""},
		{"a number, then what is less preferred", `branches: [{reply: 503}],
      given: {uri: "sip:+4930@example.com"},
      expect: {sent: [{uri: "sip:a@203.0.113.7"}, {uri: "sip:b@203.0.113.8"}]}`, ""},
		{"a number that is nobody's", `given: {uri: "sip:+4932@example.com"}, expect: {reply: 404}`, ""},
		{"a number that can't be looked up",
			`given: {uri: "sip:+4931@example.com"}, expect: {reply: 500}`, ""},
		{"numbers of the case", `enum: {"+4932": ["sip:c@203.0.113.9"]},
      given: {uri: "sip:+4932@example.com"}, expect: {relayed_to: 203.0.113.9}`, ""},
		{"users that can't be asked", `backends: {store: fails},
      given: {` + fromAlice + `, auth: alice@example.net}, expect: {reply: 500}`, ""},
		{"users that are late, not too late", `slow: {store: 1900ms},
      given: {` + fromAlice + `, auth: alice@example.net}, expect: {sent: [
      {uri: "sip:bob@203.0.113.5"}, {uri: "sip:bob@203.0.113.6"}]}`, ""},
		{"users that are too late", `slow: {store: 5s},
      given: {` + fromAlice + `, auth: alice@example.net}, expect: {reply: 500}`, ""},
		{"others need not wait", `slow: {store: 5s},
      given: {uri: "sip:bob@example.net"}, expect: {reply: 200}`, ""},
		{"bindings that can't be asked", `backends: {contacts: fails},
      given: {uri: "sip:bob@example.net"}, expect: {reply: 500}`, ""},
	} {
		f, diags := loadStubs(t, stubs+"  - {name: x, "+tt.test+"}\n")
		if f == nil {
			t.Errorf("%s: %s", tt.name, diags)
			continue
		}
		r := f.Run(nil)[0]
		got := r.Error
		for _, failed := range r.Failed {
			got += failed.What + ": want " + failed.Want + ", got " + failed.Got
		}
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: want %q, got %q", tt.name, tt.want, got)
		}
	}
}

const slowPolicy = `version: 1
listen: [{udp: "10.0.0.9:5060"}]
backends: {store: {database: {}}}
routes:
  request:
    - match: {uri: {user: sales}}
      do: [{alias_lookup: {backend: store, on_none: none, on_error: late}}, {reply: {code: 200}}]
    - do: [{reply: {code: 404}}]
  sub: {none: [{do: [{reply: {code: 480}}]}], late: [{do: [{reply: {code: 500}}]}]}
`

// While a request waits for a database others pass, and it is answered when the database does, or
// when the timeout is over, 2s unless the policy says otherwise.
func TestSlow(t *testing.T) {
	for _, c := range []struct{ takes, answer string }{
		{"1500ms", "480 at=1.5s"}, {"5s", "500 at=2s"},
	} {
		f, diags := loadPolicy(t, slowPolicy, `slow: {store: `+c.takes+`}
tests:
  - name: x
    flow: |
      agent alice udp 10.0.0.1:5060
      agent dave udp 10.0.0.2:5060
      proxy udp 10.0.0.9:5060

      alice > INVITE sip:sales@10.0.0.9
      alice < 100
      dave > OPTIONS sip:dave@10.0.0.9
      dave < 404 at=0s
      alice < `+c.answer+`
      alice > ACK
`)
		if f == nil {
			t.Fatal(diags)
		}
		if r := f.Run(nil)[0]; !r.OK() {
			t.Errorf("%s: %s %v", c.takes, r.Error, r.Failed)
		}
	}
}

// Who registers in one case is not there in the next; what the file has is.
func TestBindingsForgotten(t *testing.T) {
	f, diags := loadStubs(t, stubs+`
  - {name: in, given: {method: REGISTER, uri: "sip:example.net", to: "sip:alice@example.net",
      from: "sip:alice@example.net", auth: alice@example.net,
      headers: {Contact: "<sip:alice@203.0.113.8>;expires=100000"}}, expect: {reply: 200}}
  - {name: out, given: {uri: "sip:alice@example.net"}, expect: {reply: 404}}
  - {name: still, given: {uri: "sip:bob@example.net"}, expect: {reply: 200}}
`)
	if f == nil {
		t.Fatal(diags)
	}
	for _, r := range f.Run(nil) {
		if !r.OK() {
			t.Errorf("%s: %s %v", r.Case.Name, r.Error, r.Failed)
		}
	}
}

// What of stubs is wrong is told.
func TestStubsRefused(t *testing.T) {
	for _, tt := range []struct{ more, want string }{
		{"slow: {stor: 1s}", `no backend "stor"; did you mean store?`},
		{"slow: {contacts: 1s}", `"contacts" is no database: it takes no time`},
		{"backends: {stor: fails}", `no backend "stor"; did you mean store?`},
		{"backends: {contacts: {x: []}}", "`bindings` gives what it has"},
		{"bindings: {bob: []}", "one"},
		{`bindings: {bob: "sip:b@192.0.2.1"}`, "no address of record"},
		{"given: {auth: bob}", "no user \"bob\""},
		{"users: {alice@a: x, alice@b: y}, given: {auth: alice}", "several users"},
	} {
		f, got := loadStubs(t, "tests:\n  - {name: x, "+tt.more+"}\n")
		if f != nil || !strings.Contains(got, tt.want) {
			t.Errorf("%s: want %q, got %s", tt.more, tt.want, got)
		}
	}
}

// Gateways can be used unless the file or the case says that they are down, and no case leaves one
// down for the next.
func TestStubGateways(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("policy.yaml", `version: 1
listen: [{udp: "192.0.2.10:5060"}]
gateways:
  pstn: {destinations: [{uri: "sip:gw1.example"}, {uri: "sip:gw2.example"}], passive: {failures: 1}}
routes:
  request: [{match: {source: 203.0.113.0/24},
    do: [{dispatch: {set: pstn}}, {relay: {fr_timer: 1s}}]},
    {do: [{reply: {code: 403}}]}]
`)
	const cases = `policy: policy.yaml
given: {source: 203.0.113.9}
tests:
  - {name: silent, branches: [{silent: true}], expect: {relayed_to: gw1.example, reply: 408}}
  - {name: afterwards, expect: {relayed_to: gw1.example, reply: 200}}
  - {name: one down, gateways: {pstn: ["sip:gw1.example"]}, expect: {relayed_to: gw2.example}}
  - {name: all down, gateways: {pstn: down}, expect: {relayed_to: none, reply: 503}}
  - {name: up, expect: {relayed_to: gw1.example}}
`
	for _, tt := range []struct{ from, to, want string }{
		{"", "", ""},
		{"pstn: down", "pstm: down", `no set of gateways "pstm"`},
		{`["sip:gw1.example"]`, `["sip:gw3.example"]`, `did you mean sip:gw1.example?`},
	} {
		path := write("policy.test.yaml", strings.Replace(cases, tt.from, tt.to, 1))
		f, src, diags, err := Load(path, router.Vocabulary())
		if err != nil {
			t.Fatal(err)
		}
		if got := diags.Text(src); tt.want != "" && !strings.Contains(got, tt.want) {
			t.Errorf("want %q, got %s", tt.want, got)
		}
		if f == nil {
			continue
		}
		for _, r := range f.Run(nil) {
			if !r.OK() {
				t.Errorf("%s: %s %+v", r.Case.Name, r.Error, r.Failed)
			}
		}
	}
}
