package check_test

import (
	"strings"
	"testing"
)

// Domains of a table are ours whatever the table has: what hangs on its rows is undecided when
// nobody knows them here, and what is found holds for every content.
func TestDomainTables(t *testing.T) {
	const (
		known   = `{set: {values: [example.com]}}`
		below   = `{map: {values: {example.com: "1"}}}`
		unknown = `{set: {sql: {backend: db, table: domain, key: domain}}}`
		ours    = `{uri: {myself: true, host: sip.customer.example}}, do: [{reply: {code: 404}}]`
		sub     = `{uri: {myself: true, host: a.example.com}}, do: [{reply: {code: 404}}]`
		in      = `{uri: {myself: true, host: example.com}}, do: [{reply: {code: 404}}]`
		out     = `{uri: {myself: false, host: example.com}}, do: [{reply: {code: 404}}]`
		toUs    = `{uri: {myself: true}}, do: [{relay: {}}]`
		fromUs  = `{from: {myself: true}}, do: [{relay: {}}]`
		rest    = `{not: {uri: {myself: true}}}, do: [{relay: {}}]`
	)
	for _, tt := range []struct{ table, rule, want string }{
		{known, ours, "can never match"}, {unknown, ours, ""},
		{known, in, ""}, {below, in, ""}, {unknown, in, ""},
		{known, out, ""}, {unknown, out, ""}, // at another port
		{known, sub, "can never match"}, {below, sub, ""},
		{known, toUs, ""}, {unknown, toUs, ""},
		{known, fromUs, "open relay"}, {unknown, fromUs, "open relay"},
		{known, rest, "open relay"}, {unknown, rest, "open relay"},
	} {
		policy := strings.NewReplacer("domains: [example.net]", "domains: [example.net, {in: served}]",
			"tables: {", "tables: {served: "+tt.table+", ").Replace(head)
		_, got := proved(t, policy+"    - {name: x, match: "+tt.rule+"}\n"+
			"    - {do: [{reply: {code: 403}}]}\n")
		found := strings.Contains(got, "can never match") || strings.Contains(got, "open relay")
		if found != (tt.want != "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s, %s: want %q, got\n%s", tt.table, tt.rule, tt.want, got)
		}
	}
}
