package table

import (
	"fmt"
	"strings"
	"testing"

	"sipedge/schema"
)

func vocabulary() *schema.Vocabulary {
	return &schema.Vocabulary{
		Fields: Fields(),
		Actions: []schema.Kind{
			{Name: "reply", Doc: "Answers.", Schema: `{code!: #Status}`, Ending: schema.Ends,
				Where: schema.InRequest | schema.InFailure},
			{Name: "exit", Doc: "Ends.", Schema: `{}`, Ending: schema.Ends, Where: schema.Anywhere},
			{Name: "relay", Doc: "Relays.", Schema: `{reply?: #Name}`, Ending: schema.Ends,
				Where: schema.InRequest, Hooks: map[string]schema.Place{"reply": schema.InReply}},
		},
	}
}

const policyHead = `version: 1
listen: [{udp: "127.0.0.1:5060"}]
methods: [WIBBLE, WOBBLE, invite]
tables:
  some: {set: {values: [a]}}
  numbers: {prefix: {values: ["1"]}}
  nets: {cidr: {values: [192.0.2.1]}}
  peers: {address: {values: [{ip: 192.0.2.1}]}}
  seen: {cache: {}}
routes:
`

// load reads rules with these matches as a request or reply route.
func load(t *testing.T, where schema.Place, matches []string) ([]schema.Rule, schema.Diagnostics) {
	t.Helper()
	step := "{reply: {code: 404}}"
	if where == schema.InReply {
		step = "{exit: {}}"
	}
	var rules strings.Builder
	for _, m := range matches {
		fmt.Fprintf(&rules, "      - {match: {%s}, do: [%s]}\n", m, step)
	}
	text := policyHead + "  request:\n" + rules.String() + "      - {do: [{reply: {code: 404}}]}\n"
	if where == schema.InReply {
		text = policyHead + "  request:\n      - {do: [{relay: {reply: all}}]}\n  reply:\n    all:\n" +
			rules.String()
	}
	doc, _, found := schema.LoadBytes("p.yaml", []byte(text), vocabulary())
	if doc == nil {
		return nil, found
	}
	if where == schema.InReply {
		return doc.Routes.Reply[0].Rules, found
	}
	return doc.Routes.Request, found
}

// What the tables of this package mean, an author can write.
func TestSchemaTakesEveryMatch(t *testing.T) {
	for _, tt := range matches {
		t.Run(tt.name, func(t *testing.T) {
			var texts []string
			var want []int
			for match, index := range lines(tt.lines) {
				texts = append(texts, match)
				want = append(want, index)
			}
			rules, found := load(t, tt.where, texts)
			if rules == nil {
				t.Fatalf("%v", found)
			}
			j := newJob(t, tt.message)
			for i, match := range texts {
				table, found := Compile(rules[i:i+1], tt.where, testEnv(t))
				if found != nil {
					t.Fatalf("%s: %v", match, found)
				}
				if got := table.Match(j, 0); got != want[i] {
					t.Errorf("%s: want %d, got %d", match, want[i], got)
				}
			}
		})
	}
}

func TestSchemaRefuses(t *testing.T) {
	for _, match := range []string{
		"method: nope", "uri: sip:x", "uri: {usr: x}", "uri: {port: x}", "uri: {myself: 1}",
		"headers: {X: 1}", "headers: {X: {match: a}}", "source: example.net", "transport: quic",
		"family: 4", "in_dialog: maybe", "direction: sideways", "size: {above: 1}",
		"max_forwards: many", "status: 486", "cause: timeout", "all: {method: BYE}",
		"not: [{method: BYE}]", "any: [{methud: BYE}]", "listener: 5060", "source_port: http",
	} {
		if _, found := load(t, schema.InRequest, []string{match}); !found.HasErrors() {
			t.Errorf("%s: want an error, got none", match)
		}
	}
	for _, match := range []string{"uri: {user: x}", "from: {user: x}", "status: 7xx", "status: 99",
		"cause: boredom"} {
		if _, found := load(t, schema.InReply, []string{match}); !found.HasErrors() {
			t.Errorf("in a reply route: %s: want an error, got none", match)
		}
	}
}
