package check_test

import (
	"fmt"
	"strings"
	"testing"

	"sipedge/router"
	"sipedge/router/check"
	"sipedge/schema"
)

const head = `version: 1
listen: [{udp: "10.0.0.9:5060"}, {tcp: "10.0.0.9:5060"}]
domains: [example.net]
routes:
  request:
`

// found says what the proofs find in a policy that is well otherwise.
func found(t *testing.T, policy string) (*check.Report, string) {
	t.Helper()
	doc, src, diags := schema.LoadBytes("policy.yaml", []byte(head+policy), router.Vocabulary())
	if doc == nil {
		t.Fatal(diags.Text(src))
	}
	if p, diags := router.Compile(doc, router.Env{}); p == nil {
		t.Fatal(diags.Text(src))
	}
	r := check.Policy(doc)
	return r, r.Diagnostics.Text(src)
}

// TestFaults has for every check policies with the fault, and their repaired twins.
func TestFaults(t *testing.T) {
	for _, tt := range []struct{ name, faulty, want, repaired string }{
		{
			"shadowed by a broader text",
			`
    - {name: all, match: {uri: {user: {regex: "^[0-9]+$"}}}, do: [{reply: {code: 404}}]}
    - {name: some, match: {uri: {user: ["112", "911"]}}, do: [{reply: {code: 503}}]}
    - {do: [{reply: {code: 404}}]}
`, `rule "some" can never match: "all" (line 6) takes every request first`, `
    - {name: some, match: {uri: {user: ["112", "911"]}}, do: [{reply: {code: 503}}]}
    - {name: all, match: {uri: {user: {regex: "^[0-9]+$"}}}, do: [{reply: {code: 404}}]}
    - {do: [{reply: {code: 404}}]}
`,
		},
		{
			"shadowed by two together",
			`
    - {name: in, match: {in_dialog: true}, do: [{reply: {code: 404}}]}
    - {name: out, match: {in_dialog: false}, do: [{reply: {code: 404}}]}
    - {name: rest, do: [{reply: {code: 403}}]}
`, `rule "rest" can never match: "in" (line 6) and "out" (line 7) take every request first`, `
    - {name: in, match: {in_dialog: true}, do: [{reply: {code: 404}}]}
    - {name: out, match: {in_dialog: false, transport: udp}, do: [{reply: {code: 404}}]}
    - {name: rest, do: [{reply: {code: 403}}]}
`,
		},
		{
			"networks",
			`
    - {name: ten, match: {source: [10.0.0.0/9, 10.128.0.0/9]}, do: [{reply: {code: 404}}]}
    - {name: one, match: {source: 10.1.0.0/16}, do: [{reply: {code: 404}}]}
    - {do: [{reply: {code: 403}}]}
`, `rule "one" can never match: "ten"`, `
    - {name: ten, match: {source: [10.0.0.0/16, 10.128.0.0/9]}, do: [{reply: {code: 404}}]}
    - {name: one, match: {source: 10.1.0.0/16}, do: [{reply: {code: 404}}]}
    - {do: [{reply: {code: 403}}]}
`,
		},
		{
			"excludes itself",
			`
    - {name: no, match: {uri: {user: {prefix: "+"}},
       all: [{uri: {user: {regex: "^[0-9]+$"}}}]}, do: [{drop: {}}]}
    - {do: [{reply: {code: 403}}]}
`, `rule "no" can never match: its matchers exclude each other`, `
    - {name: no, match: {uri: {user: {prefix: "+"}},
       all: [{uri: {user: {regex: "[0-9]+$"}}}]}, do: [{drop: {}}]}
    - {do: [{reply: {code: 403}}]}
`,
		},
		{
			"in a sub-route",
			`
    - {match: {method: INVITE}, do: [{route: calls}]}
    - {do: [{reply: {code: 403}}]}
  sub:
    calls:
      - {name: others, match: {not: {method: INVITE}}, do: [{drop: {}}]}
      - {do: [{reply: {code: 403}}]}
`, `rule "others" can never match`, `
    - {match: {method: [INVITE, BYE]}, do: [{route: calls}]}
    - {do: [{reply: {code: 403}}]}
  sub:
    calls:
      - {name: others, match: {not: {method: INVITE}}, do: [{drop: {}}]}
      - {do: [{reply: {code: 403}}]}
`,
		},
		{
			"open relay", "    - {name: all, do: [{relay: {}}]}\n",
			`open relay: rule "all" sends on what strangers send to strangers`, `
    - {match: {source: 192.0.2.0/24}, do: [{relay: {}}]}
    - {match: {uri: {myself: true}}, do: [{relay: {}}]}
    - {match: {in_dialog: true}, do: [{loose_route: {}}, {relay: {}}]}
    - {do: [{relay: {to: "sip:10.0.0.7"}}]}
`,
		},
		{
			"open relay in an arm", `
    - {do: [{loose_route: {on_none: more}}, {relay: {}}]}
  sub: {more: [{name: more, do: [{forward: {}}]}]}
`, `open relay: rule "more"`, `
    - {do: [{loose_route: {on_none: more}}, {relay: {}}]}
  sub: {more: [{name: more, do: [{reply: {code: 481}}]}]}
`,
		},
		{
			"open relay behind an edit", `
    - match: {uri: {myself: true}, headers: {X-To: true}}
      do: [{set_host: "{headers.X-To}"}, {relay: {}}]
    - {do: [{reply: {code: 404}}]}
`, "open relay: this rule", `
    - match: {uri: {myself: true}, headers: {X-To: true}}
      do: [{set_host: pbx.example.net}, {relay: {}}]
    - {do: [{reply: {code: 404}}]}
`,
		},
		{
			"open relay behind a refusal of others", `
    - {match: {source: 192.0.2.0/24}, do: [{reply: {code: 403}}]}
    - {do: [{relay: {}}]}
`, "open relay: this rule", `
    - {match: {not: {source: 192.0.2.0/24}}, do: [{reply: {code: 403}}]}
    - {do: [{relay: {}}]}
`,
		},
		{
			"open relay in a failure route", `
    - {do: [{relay: {to: "sip:10.0.0.7", failure: more}}]}
  failure: {more: [{name: more, match: {status: 5xx}, do: [{relay: {}}]}]}
`, `open relay: rule "more"`, `
    - {do: [{relay: {to: "sip:10.0.0.7", failure: more}}]}
  failure: {more: [{name: more, match: {status: 5xx}, do: [{relay: {to: "sip:10.0.0.8"}}]}]}
`,
		},
		{
			"empty", `
    - {do: [{set_user: "{headers.X-User}"}, {reply: {code: 404}}]}
`, "{headers.X-User} may be empty", `
    - {match: {headers: {X-User: true}}, do: [{set_user: "{headers.X-User}"}, {reply: {code: 404}}]}
    - {do: [{set_user: "x{headers.X-User}"}, {reply: {code: 404}}]}
`,
		},
		{
			"a waiver of nothing", `
    - {do: [{reply: {code: 404}}], allow: [{check: open_relay, reason: lab}]}
`, "open_relay finds nothing in this rule", `
    - {do: [{relay: {}}], allow: [{check: open_relay, reason: lab}]}
`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, got := found(t, strings.TrimPrefix(tt.faulty, "\n"))
			if !strings.Contains(got, tt.want) || strings.Count(got, " SE") != 1 {
				t.Errorf("want %s, got\n%s", tt.want, got)
			}
			if _, got := found(t, strings.TrimPrefix(tt.repaired, "\n")); got != "" {
				t.Errorf("repaired, got\n%s", got)
			}
		})
	}
}

// TestEffort: a policy whose rules are hard to tell apart is given up in good time; what is easy
// to decide is decided all the same.
func TestEffort(t *testing.T) {
	var b strings.Builder
	for i := range 1200 {
		fmt.Fprintf(&b, "    - {match: {uri: {user: '%d'}}, do: [{drop: {}}]}\n", i)
	}
	for i := range 60 {
		fmt.Fprintf(&b, "    - match: {uri: {user: {regex: '^[1-9][0-9]{0,2}$'}}, source: 10.0.0.%d}\n"+
			"      do: [{drop: {}}]\n", i)
	}
	b.WriteString("    - {do: [{reply: {code: 404}}]}\n")
	r, _ := found(t, b.String())
	count := map[check.Status]int{}
	for _, v := range r.Verdicts {
		count[v.Status]++
	}
	if count[check.Reached] != 1201 || count[check.Undecided] == 0 {
		t.Errorf("got %v", count)
	}
}
