package vars

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"sipedge/schema"
)

func TestPipes(t *testing.T) {
	tests := []struct{ text, want string }{
		{"{ruri.user | strip(1)}", "49%2030"},
		{"{ruri.user|strip(0)}", "+49%2030"},
		{"{ruri.user | strip(99)}", ""},
		{"{ruri.user | strip_tail(4)}", "+49%"},
		{"{ruri.user | strip_tail(99)}", ""},
		{"{ruri.user | substr(1, 2)}", "49"},
		{"{ruri.user | substr(3)}", "%2030"},
		{"{ruri.user | substr(-2)}", "30"},
		{"{ruri.user | substr(-4, 2)}", "20"},
		{"{ruri.user | substr(-99, 1)}", "+"},
		{"{ruri.user | substr(99)}", ""},
		{"{ruri.user | unescape | strip(4) | prefix(0) | suffix('|}')}", "030|}"},
		{"{ruri.user | prefix(\"a, b\")}", "a, b+49%2030"},
		{"{ruri.host | lower}/{ruri.host | upper}", "example.net/EXAMPLE.NET"},
		{"<{headers.X-Spaces | trim}>", "<a b>"},
		{"{callid | select(1, @)}", "example.org"},
		{"{callid | select(-2, '@')}", "call-1"},
		{"{callid | select(2, '@')}{callid | select(-3, '@')}", ""},
		{"{ruri.user | replace('^\\+(\\d\\d)(.*)$', '00$1-$2')}", "0049-%2030"},
		{"{ruri.user | replace('[0-9]', '')}", "+%"},
		{"{ruri.host | len}", "11"},
		{"{headers.X-None | len}", "0"},
		{"{cseq | len}", "4"},
		{"{headers.X-None | default(none)}{method | default(none)}", "noneINVITE"},
		{"{headers.X-None | prefix(a) | md5 | quote}", ""},
		{"{method | md5}", "43bf6e1f59df3c3b5b1eb06af6ce515f"},
		{"{method | hash(crc32)}", "371ad751"},
		{"{from.display | unquote}", `Alice "A"`},
		{"{from.display | unquote | quote}", `"Alice \"A\""`},
		{"{callid | unquote}", "call-1@example.org"},
		{"{from.display | unquote | escape}", "Alice%20%22A%22"},
		{"{from | addr.uri | uri.user}", "alice"},
		{"{from | addr.name}", `Alice "A"`},
		{"{from | addr.param(tag)}", "f1"},
		{"{callid | addr.uri}{callid | uri.host}", ""},
		{"{ruri | uri.host}:{ruri | uri.port}", "Example.net:5060"},
		{"{ruri | uri.param(user)},{ruri | uri.param(none)}", "phone,"},
		{"{ruri | uri.scheme} {ruri | uri.transport} {to.uri | uri.transport}", "sip tcp tls"},
		{"{to.uri | uri.port}", "5061"},
		{"{headers.X-Twice[1]},{headers.X-Twice[-1]},{headers.X-Twice[-2]}", "two,two,one"},
		{"{headers.X-Twice[2]}{headers.X-Twice[-3]}{headers.X-None[-1]}", ""},
	}
	m := strings.Replace(invite, "Subject:", "X-Spaces:\t a b \nSubject:", 1)
	j := newJob(t, m)
	for _, tt := range tests {
		tpl, found := Compile(at(tt.text), schema.InRequest)
		if found != nil {
			t.Errorf("%s: %v", tt.text, found)
			continue
		}
		if got := string(tpl.Append(nil, j)); got != tt.want {
			t.Errorf("%s: want %q, got %q", tt.text, tt.want, got)
		}
	}
}

func TestTypeOfATemplate(t *testing.T) {
	for _, tt := range []struct {
		text string
		want Type
	}{
		{"", String}, {"a", String}, {"{cseq}", Int}, {"a{cseq}", String}, {"{cseq}{cseq}", String},
		{"{in_dialog}", Bool}, {"{ruri}", URI}, {"{source.ip}", IP}, {"{method}", String},
		{"{method | len}", Int}, {"{cseq | strip(1)}", String}, {"{ruri | uri.port}", Int},
		{"{cseq | default(0)}", Int}, {"{cseq | default(none)}", String},
		{"{from | addr.uri}", URI}, {"{in_dialog | default(false)}", Bool},
	} {
		tpl, found := Compile(at(tt.text), schema.InRequest)
		if found != nil {
			t.Fatal(tt.text, found)
		}
		if got := tpl.Type(); got != tt.want {
			t.Errorf("%s: want %v, got %v", tt.text, tt.want, got)
		}
	}
}

// Pipes are total: whatever comes in, out comes something, in the memory given.
func TestPipesAreTotal(t *testing.T) {
	args := map[string]string{
		"strip": "(3)", "strip_tail": "(3)", "substr": "(-3, 2)", "prefix": "(a)", "suffix": "(a)",
		"select": "(-2, '/')", "replace": "('a*', '$0$1')", "default": "(x)", "hash": "(sha1)",
		"uri.param": "(lr)", "addr.param": "(tag)",
	}
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.OneOf(rapid.SliceOf(rapid.Byte()), rapid.Map(rapid.StringMatching(
			`("[^"]*" )?<?(sips?|tel):[a-z%0-9]*@?[a-z.:0-9\[\]]*(;[a-z]+=[a-z]*)*>?`),
			func(s string) []byte { return []byte(s) })).Draw(t, "in")
		before := bytes.Clone(in)
		for _, p := range Pipes() {
			run := transformOf(t, p.Name+args[p.Name])
			got := run([]byte("dst:"), in)
			if !bytes.HasPrefix(got, []byte("dst:")) || !bytes.Equal(in, before) {
				t.Fatalf("%s writes where it should not", p.Name)
			}
			if again := run(nil, in); !bytes.Equal(again, got[len("dst:"):]) {
				t.Fatalf("%s: first %q, then %q", p.Name, got, again)
			}
		}
		cut := transformOf(t, "strip(1)")(nil, in)
		if utf8.Valid(in) && !utf8.Valid(cut) {
			t.Fatalf("strip cuts a character of %q", in)
		}
		back := transformOf(t, "unescape")(nil, transformOf(t, "escape")(nil, in))
		if !bytes.Equal(back, in) {
			t.Fatalf("escaped and back %q is %q", in, back)
		}
		back = transformOf(t, "unquote")(nil, transformOf(t, "quote")(nil, in))
		if !bytes.Equal(back, in) {
			t.Fatalf("quoted and back %q is %q", in, back)
		}
	})
}

func transformOf(t interface{ Fatal(...any) }, call string) transform {
	tpl, found := Compile(at("{method | "+call+"}"), schema.InRequest)
	if found != nil {
		t.Fatal(call, found)
	}
	return tpl.parts[0].expr.pipes[0].run
}

func TestPipesAllocateNothing(t *testing.T) {
	j := newJob(t, invite)
	tpl, found := Compile(at("{ruri.user | unescape | strip(1) | prefix(00) | sha256}"+
		"{from | addr.uri | uri.host | lower}{callid | select(1, @) | quote}{headers.X-Twice[1]}"),
		schema.InRequest)
	if found != nil {
		t.Fatal(found)
	}
	dst := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() { tpl.Append(dst, j) }); n != 0 && !raceEnabled {
		t.Errorf("want 0 allocations, got %v", n)
	}
}

func TestPipeRegistry(t *testing.T) {
	all := Pipes()
	if !slices.IsSortedFunc(all, func(a, b Pipe) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("not sorted by name")
	}
	for _, p := range all {
		if p.Doc == "" || !strings.HasSuffix(p.Doc, ".") || p.takes == 0 || p.make == nil ||
			(p.Args == "") != (len(p.params) == 0) || p.needed > len(p.params) {
			t.Errorf("%s: incomplete", p.Name)
		}
	}
}
