package schema_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sipedge/schema"
)

func TestDuration(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"500ms": 500 * time.Millisecond, "5s": 5 * time.Second, "1h30m": 90 * time.Minute,
		"2d": 48 * time.Hour, "1m1ms": time.Minute + time.Millisecond,
		"": 0, "0s": 0, "5": 0, "s": 0, "5 s": 0, "5x": 0, "-5s": 0, "99999d": 0, "3660d1ms": 0,
		"999999999999999999h": 0,
	} {
		got, ok := schema.ParseDuration(in)
		if ok != (want > 0) || ok && got != want {
			t.Errorf("%q: want %v, got %v, %t", in, want, got, ok)
		}
	}
}

func TestSize(t *testing.T) {
	for in, want := range map[string]int64{
		"4096": 4096, "4096B": 4096, "64KiB": 65536, "1MiB": 1 << 20, "1GiB": 1 << 30, "0": 0,
		"": -1, "KiB": -1, "64KB": -1, "64 KiB": -1, "4GiB": -1, "99999999999999999999": -1,
	} {
		got, ok := schema.ParseSize(in)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: want %v, got %v, %t", in, want, got, ok)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"relay", "reply", "record_route", "route", "drop", "from", "INVITE", "to"}
	for in, want := range map[string]string{
		"relya": "relay", "replay": "relay", "recordroute": "record_route",
		"record-route": "record_route", "Drop": "drop", "form": "from", "invite": "INVITE",
		"t_relay": "relay", "dispatch": "", "x": "", "": "",
	} {
		if got := schema.Nearest(in, known); got != want {
			t.Errorf("%q: want %q, got %q", in, want, got)
		}
	}
}

// TestCodes: every code is told of, once, in order.
func TestCodes(t *testing.T) {
	codes := schema.Codes()
	for i, c := range codes {
		if i > 0 && codes[i-1].Code >= c.Code {
			t.Errorf("%v stands behind %v", c.Code, codes[i-1].Code)
		}
		if c.Title == "" || !strings.HasSuffix(c.Text, ".") {
			t.Errorf("%v: %+v", c.Code, c)
		}
	}
	if info, ok := schema.Info(schema.UnknownMethod); !ok || info.Code.String() != "SE1004" {
		t.Errorf("got %v", info)
	}
	if _, ok := schema.Info(9999); ok {
		t.Error("there is no SE9999")
	}
}

func TestPlaceNames(t *testing.T) {
	if got := (schema.InRequest | schema.InFailure).String(); got != "request, failure" {
		t.Errorf("got %q", got)
	}
}

// manyRules is a policy of n rules of several kinds.
func manyRules(n int) []byte {
	var b strings.Builder
	b.WriteString("version: 1\nlisten: [{udp: \"127.0.0.1:5060\"}]\nroutes:\n  request:\n")
	for i := range n {
		switch i % 3 {
		case 0:
			fmt.Fprintf(&b, "    - name: to %d\n"+
				"      match: {method: [INVITE, ACK], uri: {user: {prefix: \"%d\"}}}\n"+
				"      do:\n        - record_route: {}\n        - strip: 1\n"+
				"        - relay: {to: \"sip:192.0.2.%d\", fr_timer: 5s}\n", i, i, i%250)
		case 1:
			fmt.Fprintf(&b, "    - match: {source: 10.0.%d.%d, headers: {User-Agent: {contains: x}}}\n"+
				"      do: [{reply: {code: 403, reason: Go Away}}]\n", i/250%250, i%250)
		default:
			fmt.Fprintf(&b, "    - match: {method: INVITE, from: {host: h%d.example.net}}\n"+
				"      do: [{set_header: {X-N: \"{from.user}\"}}, {log: {message: \"rule %d\"}}]\n", i, i)
		}
	}
	b.WriteString("    - do: [{reply: {code: 404}}]\n")
	return []byte(b.String())
}

func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{50, 1000, 10000} {
		src := manyRules(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				doc, source, diags := schema.LoadBytes("policy.yaml", src, testVocabulary())
				if doc == nil {
					b.Fatal(diags.Text(source)[:500])
				}
			}
		})
	}
}

// FuzzLoadYAML: any bytes give a policy or a diagnostic in the file.
func FuzzLoadYAML(f *testing.F) {
	for _, s := range small {
		f.Add([]byte(s))
	}
	for _, s := range []string{
		"", "---\n", "\xef\xbb\xbfversion: 1", "a: &a [*a]", "? {a: b}\n: c", "<<: [1]", "<<: {a: 1}",
		"\t", "a:\n\t- b", "{a: \"", "!!binary x", "!foo bar", "a: 08", "a: |\n", "- \n- \n", "*x",
		"version: 1\nsecrets: {route_key: hunter2, tag_key: [}\n", "\r0", ">", "- |\n",
		"a: 1\r\nb: \u2028c",
		"a: .inf\nb: 1e999\nc: 0o9\nd: -0x1",
	} {
		f.Add([]byte(s))
	}
	v := testVocabulary()
	f.Fuzz(func(t *testing.T, src []byte) {
		doc, source, diags := schema.LoadBytes("a.yaml", src, v)
		if (doc == nil) != diags.HasErrors() {
			t.Fatalf("document %v, diagnostics %v", doc, diags)
		}
		lines := strings.Count(string(src), "\n") + 1
		for _, d := range diags {
			if d.Pos.File != "a.yaml" || d.Pos.Line < 1 || d.Pos.Line > lines || d.Pos.Col < 1 {
				t.Fatalf("%v is no place in a file of %d lines", d, lines)
			}
			if _, ok := schema.Info(d.Code); !ok {
				t.Fatalf("%v is no code", d.Code)
			}
		}
		diags.Text(source)
	})
}
