package check_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// withTable is head with one table more.
func withTable(table string) string {
	return strings.Replace(head, "friends:", table+", friends:", 1)
}

// TestOperatorsTargets: a target is the operator's who wrote it into a table, however many rows
// that has and wherever they stand, and by whatever step it becomes the target.
func TestOperatorsTargets(t *testing.T) {
	for _, rows := range []int{10, 1000, 100_000} {
		var csv, values strings.Builder
		for i := range rows {
			fmt.Fprintf(&csv, "%d,sip:10.0.0.7\n", 1e6+i)
			fmt.Fprintf(&values, "'%d': 'sip:10.0.0.7', ", int(1e6)+i)
		}
		file := filepath.Join(t.TempDir(), "rows.csv")
		if err := os.WriteFile(file, []byte(csv.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{
			fmt.Sprintf("{prefix: {file: %q}}", file), "{map: {values: {" + values.String() + "}}}",
		} {
			if rows > 1000 && strings.HasPrefix(table, "{map") {
				continue // so many stand in a file
			}
			for _, use := range []string{
				`{forward: {to: "{var.s}"}}`, `{relay: {to: "{var.s}"}}`,
				`{rewrite_uri: "{var.s}"}, {relay: {}}`,
				`{set: {avp.s: "{var.s}"}}, {append_branch: {uri: "{avp.s}"}}, {relay: {to: "{avp.s}"}}`,
				`{set: {avp.s: "{var.s};lr"}}, {relay: {to: "{avp.s}"}}`,
			} {
				_, got := proved(t, withTable("rows: "+table)+`
    - {do: [{query: {table: rows, key: "{ruri.user}", into: var.s}}, `+use+`]}
`)
				if got != "" {
					t.Errorf("%d rows, %.9s: %s: got\n%.300s", rows, table, use, got)
				}
			}
		}
	}
}

// TestStrangersTargets: what messages say is theirs, by way of variables and caches too.
func TestStrangersTargets(t *testing.T) {
	const query = `{query: {table: hosts, key: "{ruri.user}", into: var.s}}, `
	for _, tt := range []struct{ name, do, want string }{
		{"a header field", `{set: {var.s: "{headers.X-To}"}}, {relay: {to: "{var.s}"}}`, "strangers"},
		{"by two variables",
			`{set: {var.s: "{ruri}"}}, {set: {avp.s: "{var.s}"}}, {relay: {to: "{avp.s}"}}`, "strangers"},
		{"beside a table", query + `{push: {var.s: "{headers.X-To}"}}, {relay: {to: "{var.s}"}}`,
			"strangers"},
		{"beside a table's host", query + `{relay: {to: "sip:{ruri.user}.{var.s}"}}`, "strangers"},
		{"a host of a user's", `{set: {var.s: "{ruri.user}@10.0.0.7"}}, {relay: {to: "sip:{var.s}"}}`,
			"strangers"},
		{"a user with a host",
			`{set: {var.s: "sip:{ruri.user}@10.0.0.7"}}, {set_host: "{var.s}"}, {relay: {}}`, "strangers"},
		{"a cache",
			`{query: {table: friends, key: "{ruri.user}", into: var.s}}, {relay: {to: "{var.s}"}}`,
			"sends nothing for strangers: table friends"},
		{"a table's host", query + `{relay: {to: "sip:{ruri.user}@{var.s}:5070"}}`, ""},
		{"a table's host, set", query + `{set_host: "{var.s}"}, {relay: {}}`, ""},
		{"the author's", `{set: {var.s: "sip:{ruri.user}@10.0.0.7"}}, {relay: {to: "{var.s}"}}`, ""},
		{"the author's, of many", query + `{set: {avp.s: "sip:{var.s}"}}, {push: {avp.s: "{avp.s}"}},
         {pop: avp.s}, {relay: {to: "{avp.s}"}}`, ""},
	} {
		_, got := proved(t, withTable("hosts: {map: {values: {bob: pbx.example.net}}}")+
			"    - {do: ["+tt.do+"]}\n")
		if open := strings.Contains(got, "open relay"); open != (tt.want != "") ||
			!strings.Contains(got, tt.want) {
			t.Errorf("%s: got\n%s", tt.name, got)
		}
	}
}

// withGateways is head with a set of gateways.
var withGateways = strings.Replace(head, "tables: {",
	"gateways: {pstn: {destinations: [{uri: \"sip:10.0.0.7\"}]}}\n"+
		"tables: {rates: {lcr: {values: [{gateways: pstn}]}}, ", 1)

// TestLookupIsLocal: where a binding leads is ours to call, and so is a gateway; what is done to
// the target behind it may not be.
func TestLookupIsLocal(t *testing.T) {
	for _, tt := range []struct{ name, rules, want string }{
		{"found", `{do: [{lookup: {location: contacts}}, {relay: {}}]}`, ""},
		{"in turn", `{do: [{lookup: {location: contacts, serialize: true}}, {relay: {}}]}`, ""},
		{"in a sub-route", `{do: [{lookup: {location: contacts, on_none: gone}}, {relay: {}}]}
  sub: {gone: [{do: [{reply: {code: 480}}]}]}`, ""},
		{"none is left", `{do: [{lookup: {location: contacts, on_none: gone}}, {relay: {}}]}
  sub: {gone: [{do: [{relay: {}}]}]}`, "open relay"},
		{"a gateway", `{do: [{dispatch: {set: pstn}}, {relay: {}}]}`, ""},
		{"a gateway by its rates", `{do: [{lcr: {table: rates}}, {relay: {failure: f}}]}
  failure: {f: [{do: [{next_destination: {}}, {relay: {}}]}]}`, ""},
		{"no gateway by its rates", `{do: [{lcr: {table: rates, on_none: gone}}, {relay: {}}]}
  sub: {gone: [{do: [{relay: {}}]}]}`, "open relay"},
		{"a gateway, without state", `{do: [{dispatch: {set: pstn}}, {forward: {}}]}`, ""},
		{"a gateway, and another", `{do: [{dispatch: {set: pstn}}, {relay: {failure: f}}]}
  failure: {f: [{do: [{next_destination: {}}, {relay: {}}]}]}`, ""},
		{"a gateway, and none", `{do: [{dispatch: {set: pstn}}, {relay: {failure: f}}]}
  failure: {f: [{do: [{relay: {}}]}]}`, "open relay"},
		{"where a callee redirects",
			`{do: [{lookup: {location: contacts}}, {relay: {failure: f}}]}
  failure: {f: [{do: [{recurse: {}}, {relay: {}}]}]}`, "open relay"},
		{"where a callee redirects, of ours",
			`{do: [{relay: {to: "sip:10.0.0.7", failure: f}}]}
  failure: {f: [{do: [{recurse: {accept: {host: pbx.example.net}}}, {relay: {}}]}]}`, ""},
		{"where a callee redirects, or to no one",
			`{do: [{lookup: {location: contacts}}, {relay: {failure: f}}]}
  failure: {f: [{do: [{recurse: {accept: {user: bob}}}, {relay: {}}]}]}`, "open relay"},
		{"where a callee redirects our network",
			`{match: {source: 10.1.0.0/16}, do: [{relay: {failure: f}}]}
    - {do: [{reply: {code: 404}}]}
  failure: {f: [{do: [{recurse: {}}, {relay: {}}]}]}`, ""},
		{"a gateway, and a branch", `{do: [{dispatch: {set: pstn}}, {append_branch: {}}, {relay: {}}]}`,
			"open relay"},
		{"a gateway, and a template",
			`{do: [{dispatch: {set: pstn}}, {relay: {to: "sip:{from.host}"}}]}`, "open relay"},
		{"no gateway is left", `{do: [{dispatch: {set: pstn, on_none: gone}}, {relay: {}}]}
  sub: {gone: [{do: [{relay: {}}]}]}`, "open relay"},
		{"a gateway, sometimes",
			`{match: {method: INVITE}, do: [{dispatch: {set: pstn}}]}
    - {do: [{relay: {}}]}`, "open relay"},
		{"from a gateway", `{match: {gateway: pstn}, do: [{relay: {}}]}
    - {do: [{reply: {code: 404}}]}`, ""},
		{"from no gateway", `{match: {not: {gateway: pstn}}, do: [{relay: {}}]}
    - {do: [{reply: {code: 404}}]}`, "open relay"},
		{"an alias", `{do: [{alias_lookup: {backend: store}}, {relay: {}}]}`, ""},
		{"an alias or not", `{do: [{alias_lookup: {backend: store, on_none: gone}}, {relay: {}}]}
  sub: {gone: [{do: [{relay: {}}]}]}`, "open relay"},
		{"a number of who says to be a user", `{do: [{speed_dial: {backend: store}}, {relay: {}}]}`,
			"open relay"},
		{"his number, dialled at us",
			`{match: {uri: {myself: true}}, do: [{speed_dial: {backend: store}}, {relay: {}}]}
    - {do: [{reply: {code: 404}}]}`, "open relay"},
		{"the number of who authenticated", `{match: {uri: {myself: true}},
       do: [{speed_dial: {backend: store, owner: auth}}, {relay: {}}]}
    - {do: [{reply: {code: 404}}]}`, ""},
		{"what a number stands for", `{do: [{enum: {}}, {relay: {}}]}`, "open relay"},
		{"what a number of the carrier's stands for",
			`{do: [{enum: {suffix: e164.example.net, gateways: true}}, {relay: {}}]}`, ""},
		{"what its holder says, by gateways",
			`{do: [{enum: {suffix: 9.4.E164.arpa., gateways: true}}, {relay: {}}]}`, "open relay"},
		{"what its holder says, by gateways of all",
			`{do: [{enum: {gateways: true}}, {relay: {}}]}`, "open relay"},
		{"what its holder says, of an ISN",
			`{do: [{enum: {variant: isn, gateways: true}}, {relay: {}}]}`, "open relay"},
		{"a number, in a tree of others",
			`{do: [{enum: {suffix: e164.example.net}}, {relay: {}}]}`, "open relay"},
		{"a number of the carrier's or not",
			`{do: [{enum: {suffix: e164.example.net, gateways: true, on_none: gone}}, {relay: {}}]}
  sub: {gone: [{do: [{relay: {}}]}]}`, "open relay"},
		{"a number dialled at us, by anybody",
			`{match: {uri: {myself: true}}, do: [{enum: {}}, {relay: {}}]}
    - {do: [{reply: {code: 404}}]}`, "open relay"},
		{"a number that our network dialled",
			`{match: {source: 10.1.0.0/16}, do: [{enum: {}}, {relay: {}}]}
    - {do: [{reply: {code: 404}}]}`, ""},
		{"an alias of ours",
			`{match: {uri: {myself: true}}, do: [{alias_lookup: {backend: store}}, {relay: {}}]}
    - {do: [{reply: {code: 404}}]}`, ""},
		{"another host",
			`{do: [{lookup: {location: contacts}}, {set_host: "{from.host}"}, {relay: {}}]}`, "open relay"},
		{"as it was received", `{do: [{lookup: {location: contacts}}, {revert_uri: {}}, {relay: {}}]}`,
			"open relay"},
		{"who is registered is no proof",
			`{match: {registered: {location: contacts, of: from}}, do: [{relay: {}}]}
    - {do: [{reply: {code: 404}}]}`, "open relay"},
		{"only sometimes", `{match: {method: INVITE}, do: [{lookup: {location: contacts}}, {relay: {}}]}
    - {do: [{relay: {}}]}`, "open relay"},
	} {
		_, got := proved(t, withGateways+"    - "+tt.rules+"\n")
		if tt.want == "" && strings.Contains(got, "open relay") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: want %q, got\n%s", tt.name, tt.want, got)
		}
	}
}

// TestRecursion: whoever is called may redirect, so strangers' requests follow only to hosts that
// the policy names, whatever they followed before; which binding was found does not matter.
func TestRecursion(t *testing.T) {
	const byLookup = `{do: [{lookup: {location: contacts}}, {relay: {failure: f}}]}`
	named := strings.Replace(withGateways, "tables: {",
		"tables: {hosts: {set: {file: hosts.csv}}, numbers: {prefix: {values: {'1': '2'}}}, ", 1)
	t.Chdir(t.TempDir())
	if err := os.WriteFile("hosts.csv", []byte("pbx.example.net\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, first, failure, want string }{
		{"a domain", byLookup,
			`{do: [{recurse: {accept: {host: {suffix: .example.net}}}}, {relay: {}}]}`, ""},
		{"ourselves", byLookup, `{do: [{recurse: {accept: {myself: true}}}, {relay: {}}]}`, ""},
		{"hosts of a table", byLookup,
			`{do: [{recurse: {accept: {host: {in: hosts}}}}, {relay: {}}]}`, ""},
		{"again and again", byLookup,
			`{match: {status: 3xx}, do: [{recurse: {accept: {host: a.example.org}}},
       {relay: {failure: f}}]}`, ""},
		{"one after the other", `{do: [{lookup: {location: contacts, serialize: true}},
       {relay: {failure: f}}]}`,
			`{match: {uri: {user: bob}}, do: [{recurse: {accept: {host: a.example.org}}},
       {serialize_branches: {}}, {relay: {failure: f}}]}`, ""},
		{"in a sub-route", byLookup, `{do: [{route: follow}, {relay: {}}]}
  sub: {follow: [{do: [{recurse: {accept: {host: a.example.org}}}]}]}`, ""},
		{"before the rule that sends", byLookup,
			`{do: [{recurse: {accept: {host: a.example.org}}}]}
    - {do: [{relay: {}}]}`, ""},
		{"any", byLookup, `{do: [{recurse: {}}, {relay: {}}]}`, "open relay"},
		{"by what names begin with", byLookup,
			`{do: [{recurse: {accept: {host: {prefix: "10."}}}}, {relay: {}}]}`, "open relay"},
		{"one of two is anybody's", byLookup,
			`{do: [{recurse: {accept: [{host: a.example.org}, {user: bob}]}}, {relay: {}}]}`, "open relay"},
		{"an end without its dot", byLookup,
			`{do: [{recurse: {accept: {host: {suffix: example.net}}}}, {relay: {}}]}`, "open relay"},
		{"what a cache has", byLookup,
			`{do: [{recurse: {accept: {host: {in: friends}}}}, {relay: {}}]}`, "open relay"},
		{"what numbers begin with", byLookup,
			`{do: [{recurse: {accept: {host: {in: numbers}}}}, {relay: {}}]}`, "open relay"},
		{"sometimes", byLookup, `{match: {status: 302}, do: [{recurse: {}}]}
    - {do: [{recurse: {accept: {host: a.example.org}}}, {relay: {}}]}`, ""},
		{"sometimes the other way", byLookup,
			`{match: {status: 302}, do: [{recurse: {accept: {host: a.example.org}}}]}
    - {match: {status: 301}, do: [{recurse: {}}]}
    - {do: [{relay: {}}]}`, "open relay"},
		{"and somewhere else", byLookup, `{do: [{recurse: {accept: {host: a.example.org}}},
       {append_branch: {uri: "sip:{from.host}"}}, {relay: {}}]}`, "open relay"},
		{"behind a host of ours", byLookup,
			`{do: [{recurse: {}}, {set_host: a.example.org}, {relay: {}}]}`, "open relay"},
		{"by ENUM, behind a host of ours", `{do: [{enum: {}}, {set_host: a.example.org}, {relay: {}}]}`,
			`{do: [{reply: {code: 480}}]}`, "open relay"},
		{"by ENUM, behind what was asked for", `{do: [{enum: {}}, {revert_uri: {}}, {relay: {}}]}`,
			`{do: [{reply: {code: 480}}]}`, "open relay"},
		{"by ENUM, behind a gateway", `{do: [{enum: {}}, {dispatch: {set: pstn}}, {relay: {}}]}`,
			`{do: [{reply: {code: 480}}]}`, "open relay"},
		{"by ENUM, in a rule before", `{do: [{enum: {}}]}
    - {do: [{set_host: a.example.org}, {relay: {}}]}`,
			`{do: [{reply: {code: 480}}]}`, "open relay"},
		{"by ENUM, and then who registered",
			`{do: [{enum: {}}, {lookup: {location: contacts}}, {relay: {}}]}`,
			`{do: [{reply: {code: 480}}]}`, ""},
		{"by ENUM, elsewhere", `{match: {method: MESSAGE}, do: [{enum: {}}, {reply: {code: 480}}]}
    - {do: [{set_host: a.example.org}, {relay: {}}]}`,
			`{do: [{reply: {code: 480}}]}`, ""},
		{"who authenticated",
			`{do: [{authenticate: {users: people}}, {lookup: {location: contacts}}, {relay: {failure: f}}]}`,
			`{do: [{recurse: {}}, {relay: {}}]}`, ""},
	} {
		_, got := proved(t, strings.Replace(named, "routes:",
			"users: {people: {alice@example.net: {ha1: 0123456789abcdef0123456789abcdef}}}\nroutes:", 1)+
			"    - "+tt.first+"\n  failure:\n   f:\n    - "+tt.failure+"\n")
		if tt.want == "" && strings.Contains(got, "open relay") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: want %q, got\n%s", tt.name, tt.want, got)
		}
		if strings.Contains(got, "can't be shown") {
			t.Errorf("%s: undecided:\n%s", tt.name, got)
		}
	}
}

// TestAuthenticated: who has to authenticate first is no stranger; an ACK, which need not, is.
func TestAuthenticated(t *testing.T) {
	users := strings.Replace(head, "tables:",
		"users: {people: {alice@example.net: {ha1: 0123456789abcdef0123456789abcdef}}}\ntables:", 1)
	for _, tt := range []struct{ rules, want string }{
		{`- {do: [{authenticate: {users: people}}, {relay: {}}]}`, ""},
		{`- {do: [{authenticate: {users: people}}]}
    - {do: [{relay: {}}]}`, ""},
		{`- {match: {method: INVITE}, do: [{authenticate: {users: people}}]}
    - {do: [{relay: {}}]}`, "open relay"},
		{`- {do: [{relay: {}}]}`, "open relay"},
		{`- {do: [{authenticate: {users: people}}, {forward: {}}]}`, "ACK"},
		{`- {match: {auth: true}, do: [{relay: {}}]}
    - {do: [{reply: {code: 403}}]}`, ""},
		{`- {match: {auth: false}, do: [{relay: {}}]}
    - {do: [{reply: {code: 403}}]}`, "open relay"},
		{`- {match: {peer: {domain: a.example}}, do: [{relay: {}}]}
    - {do: [{reply: {code: 403}}]}`, ""},
		{`- {match: {peer: true}, do: [{relay: {}}]}
    - {do: [{reply: {code: 403}}]}`, ""},
		{`- {match: {peer: false}, do: [{relay: {}}]}
    - {do: [{reply: {code: 403}}]}`, "open relay"},
		{`- {match: {not: {peer: {san: "sip:a.example"}}}, do: [{relay: {}}]}
    - {do: [{reply: {code: 403}}]}`, "open relay"},
	} {
		_, got := proved(t, users+"    "+tt.rules+"\n")
		if open := strings.Contains(got, "open relay"); open != (tt.want != "") ||
			!strings.Contains(got, tt.want) {
			t.Errorf("%s: got\n%s", tt.rules, got)
		}
	}
}
