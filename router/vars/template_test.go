package vars

import (
	"strings"
	"testing"

	"sipedge/schema"
)

func at(s string) schema.Text {
	return schema.Text{S: s, Pos: schema.Pos{File: "p.yaml", Line: 3, Col: 11}}
}

func TestTemplate(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", ""},
		{"plain", "plain"},
		{"{ruri.user}", "+49%2030"},
		{"sip:{ ruri.user }@{from.host}:{from.port};x", "sip:+49%2030@[2001:db8::1]:5070;x"},
		{"{{{method}}}", "{INVITE}"},
		{"{{method}}", "{method}"},
		{"a{{b}}c{headers.X-None}d", "a{b}cd"},
		{"{{{{", "{{"},
		{"{callid}{cseq}", "call-1@example.org4711"},
	}
	j := newJob(t, invite)
	for _, tt := range tests {
		tpl, found := Compile(at(tt.text), schema.InRequest|schema.InSub)
		if found != nil {
			t.Errorf("%q: %v", tt.text, found)
			continue
		}
		if got := string(tpl.Append(nil, j)); got != tt.want {
			t.Errorf("%q: want %q, got %q", tt.text, tt.want, got)
		}
	}
}

func TestLiteral(t *testing.T) {
	tests := []struct {
		text, want string
		ok         bool
	}{
		{"", "", true},
		{"Busy {{Here}}", "Busy {Here}", true},
		{"{method}", "", false},
		{"a{method}", "", false},
	}
	for _, tt := range tests {
		tpl, found := Compile(at(tt.text), schema.InRequest)
		if found != nil {
			t.Fatalf("%q: %v", tt.text, found)
		}
		if got, ok := tpl.Literal(); got != tt.want || ok != tt.ok {
			t.Errorf("%q: want %q %v, got %q %v", tt.text, tt.want, tt.ok, got, ok)
		}
	}
}

// A caret line shows what a diagnostic marks.
func TestTemplateDiagnostics(t *testing.T) {
	tests := []struct {
		name, text, mark string
		where            schema.Place
		code             schema.Code
		message, hint    string
	}{
		{"near miss", "sip:{ruri.usr}@x",
			"     ^^^^^^^^", schema.InRequest, schema.UnknownField,
			`"ruri.usr" is not a known field; did you mean ruri.user?`, ""},
		{"swapped letters", "{ mehtod }",
			"  ^^^^^^", schema.InRequest, schema.UnknownField,
			`"mehtod" is not a known field; did you mean method?`, ""},
		{"near miss of an open field", "{header.X-Foo}",
			" ^^^^^^^^^^^^", schema.InRequest, schema.UnknownField,
			`"header.X-Foo" is not a known field; did you mean headers.X-Foo?`, ""},
		{"near miss of a parameter", "{ruri.param.lr}",
			" ^^^^^^^^^^^^^", schema.InRequest, schema.UnknownField,
			`"ruri.param.lr" is not a known field; did you mean ruri.params.lr?`, ""},
		{"a bare header", "{subject}",
			" ^^^^^^^", schema.InRequest, schema.UnknownField,
			`"subject" is not a known field; did you mean headers.Subject?`, ""},
		{"nothing near", "{xyz.carrier}",
			" ^^^^^^^^^^^", schema.InRequest, schema.UnknownField,
			`"xyz.carrier" is not a known field`, ""},
		{"a variable", "{avp.carrier[1]}",
			" ^^^^^^^^^^^", schema.InRequest, schema.UnknownVariable,
			`the variable "avp.carrier" is not declared`,
			"declare it with its type: `vars: {avp.carrier: string}`"},
		{"a variable nearly", "{var.cout | default(0)}",
			" ^^^^^^^^", schema.InRequest, schema.UnknownVariable,
			`the variable "var.cout" is not declared; did you mean var.count?`, ""},
		{"an index", "{var.count[-1]}",
			" ^^^^^^^^^^^^^", schema.InRequest, schema.BadTemplate,
			"values of a variable are counted from the newest, which is 0", ""},
		{"no index", "{headers.X[one]}",
			" ^^^^^^^^^^^^^^", schema.InRequest, schema.BadTemplate,
			`"headers.X[one]" has no number between its brackets`, ""},
		{"one value", "{ruri.user[1]}",
			" ^^^^^^^^^^^^", schema.InRequest, schema.BadTemplate,
			`"ruri.user" has one value only`, ""},
		{"pipe", "x{ruri.user | lowr}",
			"              ^^^^", schema.InRequest, schema.UnknownPipe,
			`"lowr" is not a known pipe; did you mean lower?`, ""},
		{"second pipe", "{ruri.user|lower|uri.usr()}",
			"                 ^^^^^^^", schema.InRequest, schema.UnknownPipe,
			`"uri.usr" is not a known pipe; did you mean uri.user?`, ""},
		{"no pipe", "{ruri.user | }",
			"             ^", schema.InRequest, schema.BadTemplate,
			"there is no pipe behind this bar", ""},
		{"pipe without its argument", "{ruri.user | strip}",
			"             ^^^^^", schema.InRequest, schema.BadPipe,
			"write it as strip(n)", ""},
		{"too many arguments", "{ruri.user | strip( 1, 2 )}",
			"             ^^^^^^^^^^^^^", schema.InRequest, schema.BadPipe,
			"write it as strip(n)", ""},
		{"no number", "{ruri.user | substr(1, b)}",
			"                       ^", schema.InRequest, schema.BadPipe,
			`"b" is not a number`, ""},
		{"negative", "{ruri.user | strip(-1)}",
			"                   ^^", schema.InRequest, schema.BadPipe, `-1 is less than 0`, ""},
		{"regex", "{ruri.user | replace('(', x)}",
			"                     ^^^", schema.InRequest, schema.BadPipe,
			"not a regular expression (RE2): missing closing ): `(`", ""},
		{"brackets", "{ruri.user | strip(1}",
			"             ^^^^^^^", schema.InRequest, schema.BadTemplate,
			`the brackets of "strip" are not closed`, ""},
		{"a quote", "{ruri.user | prefix('a) }",
			"                    ^", schema.InRequest, schema.BadTemplate,
			"this quote is not closed", ""},
		{"type", "{cseq | lower}",
			"        ^^^^^", schema.InRequest, schema.BadPipe,
			`"lower" takes a text or a URI, not a number`, ""},
		{"type behind a pipe", "{ruri | len | uri.host}",
			"              ^^^^^^^^", schema.InRequest, schema.BadPipe,
			`"uri.host" takes a text or a URI, not a number`, ""},
		{"type of a flag", "{in_dialog | strip(1)}",
			"             ^^^^^", schema.InRequest, schema.BadPipe,
			`"strip" takes a text, a number, a URI or an IP address, not true or false`, ""},
		{"hash", "{ruri | hash(md6)}",
			"        ^^^^^^^^^", schema.InRequest, schema.BadPipe,
			`"md6" is not a hash; did you mean md5?`, ""},
		{"not closed", "{method} {callid",
			"         ^", schema.InRequest, schema.BadTemplate,
			"this brace is not closed", "a literal brace is written {{"},
		{"opened twice", "a{b {method}",
			" ^", schema.InRequest, schema.BadTemplate,
			"this brace is not closed", "a literal brace is written {{"},
		{"closes nothing", "a}b",
			" ^", schema.InRequest, schema.BadTemplate,
			"this brace closes nothing", "a literal brace is written }}"},
		{"empty", "a{ }",
			" ^^^", schema.InRequest, schema.BadTemplate,
			"there is no field between these braces", "literal braces are written {{ and }}"},
		{"bad header name", "{headers.X Foo}",
			" ^^^^^^^^^^^^^", schema.InRequest, schema.BadHeaderName,
			`"X Foo" is not a name a header or parameter can have`, ""},
		{"not in this route type", "{status}",
			" ^^^^^^", schema.InRequest | schema.InReply, schema.FieldNotHere,
			`"status" cannot be used in a request route (allowed: failure, reply)`, ""},
		{"no Request-URI in a reply", "{ruri.params.x}",
			" ^^^^^^^^^^^^^", schema.InReply | schema.InSub, schema.FieldNotHere,
			`"ruri.params.x" cannot be used in a reply route ` +
				`(allowed: request, branch, failure, error, local)`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			scope := NewScope([]schema.Var{{Name: "var.count", Type: "int"}})
			tpl, found := scope.Compile(at(tt.text), tt.where)
			if tpl != nil || len(found) != 1 {
				t.Fatalf("want one diagnostic, got %v and %+v", tpl, found)
			}
			col := 11 + strings.IndexByte(tt.mark, '^')
			want := schema.Diagnostic{
				Pos: schema.Pos{File: "p.yaml", Line: 3, Col: col}, End: 11 + len(tt.mark),
				Code: tt.code, Message: tt.message, Hint: tt.hint,
			}
			if found[0] != want {
				t.Errorf("want %+v\ngot  %+v", want, found[0])
			}
		})
	}
}

func TestEveryPlaceholderIsChecked(t *testing.T) {
	_, found := Compile(at("{a.b}{method}{c.d}"), schema.InRequest)
	if len(found) != 2 {
		t.Errorf("want 2 diagnostics, got %+v", found)
	}
}

// Behind a line end the column is not known; the text as a whole is.
func TestDiagnosticInABlock(t *testing.T) {
	_, found := Compile(at("one\ntwo {nope}"), schema.InRequest)
	if len(found) != 1 || found[0].Pos != at("").Pos || found[0].End != 0 {
		t.Errorf("want one at the text's beginning, got %+v", found)
	}
}

func TestTemplateAllocatesNothing(t *testing.T) {
	j := newJob(t, invite)
	tpl, found := Compile(at("sip:{ruri.user}@{source.ip}:{ruri.port};a={headers.Subject}"),
		schema.InRequest)
	if found != nil {
		t.Fatal(found)
	}
	dst := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() { tpl.Append(dst, j) }); n != 0 {
		t.Errorf("want 0 allocations, got %v", n)
	}
}

// Any text compiles or is diagnosed within itself; with its braces doubled it
// is a literal.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"", "{{", "}}", "{ruri.user}", "{a|b}", "{", "}", "{headers.a b}",
		"{{{callid}}}", "x{method}y{nope}", "{header.\xff}"} {
		f.Add(s)
	}
	j := newJob(f, invite)
	f.Fuzz(func(t *testing.T, s string) {
		tpl, found := Compile(at(s), schema.InRequest)
		if (tpl == nil) != (len(found) > 0) {
			t.Fatalf("template %v with %+v", tpl, found)
		}
		for _, d := range found {
			if d.End != 0 && (d.Pos.Col < 11 || d.End <= d.Pos.Col || d.End > 11+len(s)) {
				t.Fatalf("outside the text: %+v", d)
			}
		}
		if tpl != nil {
			tpl.Append(nil, j)
		}
		tpl, found = Compile(at(strings.NewReplacer("{", "{{", "}", "}}").Replace(s)), schema.InRequest)
		if found != nil {
			t.Fatalf("doubled: %+v", found)
		}
		if got, ok := tpl.Literal(); !ok || got != s {
			t.Fatalf("doubled: want %q, got %q %v", s, got, ok)
		}
	})
}
