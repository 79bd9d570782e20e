package table

import (
	"strings"
	"testing"

	"sipedge/schema"
)

// A caret line shows what a diagnostic marks; a lone ^ one place.
func TestDiagnostics(t *testing.T) {
	tests := []struct {
		match, mark string
		code        schema.Code
		message     string
	}{
		{`{source: 300.1.2.3}`,
			`         ^^^^^^^^^`, schema.BadNetwork,
			`"300.1.2.3" is not an IP address or network`},
		{`{source: [10.0.0.0/8, "10.0.0.0/33"]}`,
			`                       ^^^^^^^^^^^`, schema.BadNetwork,
			`a network of IPv4 has at most 32 bits, not 33`},
		{`{source: "2001:db8::/129"}`,
			`          ^^^^^^^^^^^^^^`, schema.BadNetwork,
			`a network of IPv6 has at most 128 bits, not 129`},
		{`{source: 10.0.0.1/8}`,
			`         ^^^^^^^^^^`, schema.BadNetwork,
			`10.0.0.1/8 has bits behind its prefix; did you mean 10.0.0.0/8?`},
		{`{source: "fe80::1%eth0"}`,
			`          ^^^^^^^^^^^^`, schema.BadNetwork,
			`"fe80::1%eth0" is not an IP address or network`},
		{`{uri: {user: {regex: "a(b"}}}`,
			`                      ^^^`, schema.BadRegex,
			`this regular expression can't be used: missing closing ): a(b`},
		{`{uri: {host: {regex: "a**"}}}`,
			`                      ^^^`, schema.BadRegex,
			`this regular expression can't be used: invalid nested repetition operator: **`},
		{`{headers: {Subject: {ignore_case: true, regex: '(?<x'}}}`,
			`                                                ^^^^`, schema.BadRegex,
			`this regular expression can't be used: invalid named capture: (?<x`},
		{`{from: {user: {regex: "x{2000}"}}}`,
			`                       ^^^^^^^`, schema.BadRegex,
			`this regular expression can't be used: invalid repeat count: {2000}`},
		{`{headers: {X Foo: true}}`,
			`           ^^^^^`, schema.BadHeaderName,
			`"X Foo" is not a name a header can have`},
		{`{source_port: {min: 9, max: 8}}`,
			`              ^`, schema.BadValue,
			`no number is at least 9 and at most 8`},
		{`{any: []}`,
			`      ^`, schema.Empty,
			`at least one match must stand here`},
		{`{not: {any: [{method: BYE}, {size: {min: 2, max: 1}}]}}`,
			`                                   ^`, schema.BadValue,
			`no number is at least 2 and at most 1`},
		{`{status: 486}`,
			` ^^^^^^`, schema.MatcherNotHere,
			`"status" cannot be used in a request route (allowed: failure, reply)`},
		{`{methud: BYE}`,
			` ^^^^^^`, schema.UnknownMatch,
			`"methud" is not a known matcher`},
	}
	for _, tt := range tests {
		t.Run(tt.match, func(t *testing.T) {
			table, found := Compile(parse(t, "method: BYE", tt.match), schema.InRequest|schema.InSub, Env{})
			if table != nil || len(found) != 1 {
				t.Fatalf("want one diagnostic, got %v and %+v", table, found)
			}
			want := schema.Diagnostic{
				Pos:  schema.Pos{File: "p.yaml", Line: 1, Col: 1 + strings.IndexByte(tt.mark, '^')},
				Code: tt.code, Message: tt.message,
			}
			if strings.Count(tt.mark, "^") > 1 {
				want.End = 1 + len(tt.mark)
			}
			if found[0] != want {
				t.Errorf("want %+v\ngot  %+v", want, found[0])
			}
		})
	}
}

func TestEveryMistakeIsTold(t *testing.T) {
	_, found := Compile(parse(t, "source: nowhere", "method: BYE", "uri: {user: {regex: '('}}"),
		schema.InRequest, Env{})
	if len(found) != 2 {
		t.Errorf("want 2, got %+v", found)
	}
}
