package router_test

import (
	"os"
	"testing"

	"sipedge/backends"
	"sipedge/backends/memory"
	"sipedge/router"
	"sipedge/router/policytest"
	"sipedge/schema"
)

// database is a driver of which tests of a policy give the rows.
var database = backends.Driver{
	Name: "database", Schema: `{}`,
	Open: func(*backends.Opening) (backends.Backend, schema.Diagnostics) { panic("opened") },
}

// holds runs the tests of a policy.
func holds(t *testing.T, policy, tests string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"policy.yaml": policy, "policy.test.yaml": tests} {
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, src, diags, err := policytest.Load(dir+"/policy.test.yaml",
		router.VocabularyWith([]backends.Driver{memory.Driver, database}))
	if f == nil {
		t.Fatal(err, diags.Text(src))
	}
	results := f.Run(nil)
	for i := range results {
		if r := &results[i]; !r.OK() {
			t.Errorf("%s: %s %+v", r.Case.Name, r.Error, r.Failed)
		}
	}
	if len(results) == 0 {
		t.Error("no tests")
	}
}

// Two domains have a user of one name each, who are strangers to each other: passwords, bindings,
// aliases, speed dials and other names.
func TestTwoDomains(t *testing.T) {
	holds(t, `version: 1
listen: [{udp: "192.0.2.10:5060"}]
domains: [{in: served}]
backends: {store: {database: {}}, contacts: {memory: {}}}
vars: {avp.caller: string, avp.limit: int, avp.none: string}
tables:
  served: {map: {sql: {backend: store, table: domain, key: domain, value: accept_subdomain}}}
routes:
  request:
    - match: {method: REGISTER, to: {myself: true}}
      do:
        - authenticate: {kind: www, users: store, domain: "{to.host}", identities: store}
        - save: {location: contacts, reply: false}
        - reply: {code: 200, reason: "{auth.user} of {auth.realm}"}
    - match: {from: {myself: true}}
      do:
        - authenticate:
            {users: store, domain: "{from.host}", identities: store,
              load: {rpid: avp.caller, calls: avp.limit, missing: avp.none}, on_error: down}
        - assert_identity: {uri: "{from.uri}"}
        - add_header: {X-Loaded: "{avp.caller} {avp.limit} {avp.none}"}
    - match: {method: MESSAGE}
      do: [{speed_dial: {backend: store, owner: auth}}, {relay: {to: "sip:192.0.2.9"}}]
    - match: {uri: {myself: true}}
      do: [{alias_lookup: {backend: store, on_none: users}}, {route: users}]
    - do: [{reply: {code: 403}}]
  sub:
    users: [{do: [{lookup: {location: contacts}}, {relay: {}}]}]
    down: [{do: [{reply: {code: 500}}]}]
`, `
users:
  alice@a.example: {password: one, columns: {rpid: "100", calls: 2}}
  alice@b.example: {password: two, columns: {rpid: "200", calls: many}}
bindings: {alice@a.example: "sip:alice@203.0.113.1", alice@b.example: "sip:alice@203.0.113.2"}
backends:
  store:
    domain: [{domain: a.example, accept_subdomain: 0}, {domain: b.example, accept_subdomain: 1}]
    dbaliases:
      - {alias_username: sales, alias_domain: a.example, username: alice, domain: a.example}
      - {alias_username: sales, alias_domain: b.example, username: alice, domain: b.example}
    speed_dial:
      - {username: alice, domain: a.example, sd_username: "1", new_uri: "sip:one@example.com"}
      - {username: alice, domain: b.example, sd_username: "1", new_uri: "sip:two@example.com"}
    uri: [{username: alice, domain: b.example, uri_user: boss}]
given: {uri: "sip:alice@b.example", from: "sip:alice@a.example"}
tests:
  - {name: a challenge of the domain, expect: {reply: {code: 407, headers: {
      Proxy-Authenticate: {contains: 'realm="a.example"'}}}}}
  - {name: his password, given: {auth: alice@a.example}, expect: {relayed_to: 203.0.113.2,
      headers: {X-Loaded: "100 2", P-Asserted-Identity: "<sip:alice@a.example>"}}}
  - {name: the other's, given: {auth: alice@b.example}, expect: {reply: 407}}
  - {name: the other's as himself,
      given: {auth: {user: alice@b.example, password: two}}, expect: {reply: 407}}
  - {name: his own as himself, given: {auth: {user: alice@a.example, password: one}},
      expect: {relayed_to: 203.0.113.2}}
  - {name: the other, given: {from: "sip:alice@B.example", uri: "sip:alice@a.example",
      auth: alice@b.example}, expect: {relayed_to: 203.0.113.1, headers: {X-Loaded: "200"}}}
  - {name: another name of his, given: {from: "sip:boss@b.example", auth: alice@b.example},
      expect: {reply: 200, headers: {P-Asserted-Identity: "<sip:boss@b.example>"}}}
  - {name: not of his namesake, given: {from: "sip:boss@a.example", auth: alice@a.example},
      expect: {reply: 403}}
  - {name: a name of nobody, given: {from: "sip:ceo@b.example", auth: alice@b.example},
      expect: {reply: 403}}
  - {name: another name registers, given: {method: REGISTER, uri: "sip:b.example",
      from: "sip:boss@b.example", to: "sip:boss@b.example", auth: alice@b.example},
      expect: {reply: {code: 200, reason: alice of b.example}}}
  - {name: an alias, given: {uri: "sip:sales@a.example", auth: alice@a.example},
      expect: {relayed_to: 203.0.113.1}}
  - {name: an alias of the other, given: {uri: "sip:sales@b.example", auth: alice@a.example},
      expect: {relayed_to: 203.0.113.2}}
  - {name: a speed dial, given: {method: MESSAGE, uri: "sip:1@a.example", auth: alice@a.example},
      expect: {uri: "sip:one@example.com"}}
  - {name: a speed dial of the other, given: {method: MESSAGE, uri: "sip:1@b.example",
      from: "sip:alice@b.example", auth: alice@b.example}, expect: {uri: "sip:two@example.com"}}
  - {name: a domain below, given: {from: "sip:alice@x.b.example"}, expect: {reply: 407}}
  - {name: none below, given: {from: "sip:alice@x.a.example"}, expect: {relayed_to: 203.0.113.2}}
  - {name: a domain of nobody, given: {from: "sip:x@c.example", uri: "sip:x@c.example"},
      expect: {reply: 403}}
  - {name: a database that fails, backends: {store: fails},
      given: {auth: alice@a.example}, expect: {reply: 500}}
`)
}
