package table

import (
	"testing"

	"pgregory.net/rapid"

	"sipedge/router/job"
	"sipedge/schema"
)

// Why says of every rule what the look-up does, and names a field that is there.
func TestWhyIsTheTable(tt *testing.T) {
	rapid.Check(tt, func(t *rapid.T) {
		texts := make([]string, rapid.IntRange(1, 40).Draw(t, "rules"))
		for i := range texts {
			texts[i] = drawMatch(t, 1)
		}
		table := compile(tt, schema.InRequest, texts...)
		j := drawJob(t, tt, drawMessage(t))
		for i := range texts {
			miss, matches := table.Why(j, i)
			if want := table.Match(j, i) == i; matches != want {
				t.Fatalf("rule %s: want %v, got %v, %+v", texts[i], want, matches, miss)
			}
			if matches == (miss.Field != "") {
				t.Fatalf("rule %s: matches %v, and %+v", texts[i], matches, miss)
			}
		}
	})
}

func TestWhy(t *testing.T) {
	for _, c := range []struct {
		match string
		want  job.Miss
	}{
		{"{method: INVITE}", job.Miss{}},
		{"{method: BYE}", job.Miss{Field: "method", Value: `"INVITE"`}},
		{"{uri: {user: bob, host: x}}", job.Miss{Field: "uri.user", Value: `"+49%2030"`}},
		{"{uri: {params: {user: true, maddr: true}}}", job.Miss{Field: "uri.params.maddr",
			Value: "empty or absent"}},
		{"{method: INVITE, source: 10.0.0.0/8}", job.Miss{Field: "source", Value: "198.51.100.7"}},
		{"{headers: {X-None: true}}", job.Miss{Field: "headers.X-None", Value: "empty or absent"}},
		{"{headers: {Subject: lunch}}", job.Miss{Field: "headers.Subject", Value: `"a folded line"`}},
		{"{in_dialog: true}", job.Miss{Field: "in_dialog", Value: "false"}},
		{"{max_forwards: {max: 9}}", job.Miss{Field: "max_forwards", Value: "68"}},
		{"{any: [{method: BYE}, {in_dialog: true}, {method: INFO}]}",
			job.Miss{Field: "any", Value: `in_dialog false, method "INVITE"`}},
		{"{not: {method: INVITE}}", job.Miss{Field: "not", Value: `method "INVITE"`}},
		{"{all: [{method: INVITE}, {from: {host: x}}]}",
			job.Miss{Field: "from.host", Value: `"[2001:DB8::0:1]"`}},
	} {
		table := compile(t, schema.InRequest, c.match)
		j := newJob(t, invite)
		j.Place = schema.InRequest
		miss, matches := table.Why(j, 0)
		if miss != c.want || matches != (c.want == job.Miss{}) {
			t.Errorf("%s: want %+v, got %+v", c.match, c.want, miss)
		}
	}
}
