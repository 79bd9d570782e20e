package sip

import (
	"fmt"
	"testing"
)

func TestParseNameAddr(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"<sip:a@b>", `"" sip:a@b ""`},
		{"sip:a@b", `"" sip:a@b ""`},
		{"sip:a@b;tag=1", `"" sip:a@b ";tag=1"`},
		{"sip:a@b ; tag = 1", `"" sip:a@b "; tag = 1"`},
		{"<sip:a@b;lr>;tag=1", `"" sip:a@b;lr ";tag=1"`},
		{"Alice B<sip:a@b>", `"Alice B" sip:a@b ""`},
		{`"A \"<sip:x>\" B" <sip:a@b> ;x="y;\"z"`, `"\"A \\\"<sip:x>\\\" B\"" sip:a@b ";x=\"y;\\\"z\""`},
		{`"" <sip:a@b>`, `"\"\"" sip:a@b ""`},
		{"Bell, A. <sip:a@b>", `"Bell, A." sip:a@b ""`},
		{"< sip:a@b\t>", `"" sip:a@b ""`},
		{"<sip:a@b?x=y>", `"" sip:a@b?x=y ""`},
		{"<tel:+1>;tag=1;", `"" tel:+1 ";tag=1;"`},
		{"sip:a@b;x=\"<\"", `"" sip:a@b ";x=\"<\""`},
		{"*", `*`}, {" * ", `*`},
		{"", "bad"}, {" ", "bad"}, {"<>", "bad"}, {"a", "bad"}, {"<a>", "bad"}, {"<sip:>", "bad"},
		{"<sip:a@b", "bad"}, {`"a <sip:a@b>`, "bad"}, {"<sip:a@b>x", "bad"}, {"<sip:a @b>", "bad"},
		{"sip:a @b", "bad"}, {"sip:a@b?x=y", "bad"}, {"sip:a@b,sip:c@d", "bad"}, {`"a"`, "bad"},
		{`<sip:a@b>;x="y`, "bad"}, {`<sip:a@b>;x=y z`, "bad"}, {"<sip:a@b>;x=\"y\"z", "bad"},
		{`"a" sip:a@b`, "bad"},
		// A quote where no string can begin: who skips strings and who doesn't read two things.
		{`<sip:a@b>;x=y"z`, "bad"}, {`<sip:a@b>;x=y"z,<sip:c@d>;w="`, "bad"},
		{`<sip:a@b>;x"y`, "bad"}, {`<sip:a@b>;"x;tag=1"`, "bad"},
	} {
		a, err := ParseNameAddr([]byte(c.in))
		got := fmt.Sprintf("%q %s %q", a.Display, a.URI, a.Params)
		if a.Star {
			got = "*"
		}
		if err != nil {
			got = "bad"
		}
		if got != c.want {
			t.Errorf("%q: want %s, got %s", c.in, c.want, got)
		}
	}
}

func TestNameAddrParams(t *testing.T) {
	a, err := ParseNameAddr([]byte(`<sip:a@b>;TAG=x;expires = 60 ;;+sip.instance="<urn:x;y>";lr;e=`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"tag": `"x" true false`, "expires": `"60" true false`, "lr": `"" true true`,
		"e": `"" true false`, "+SIP.instance": `"\"<urn:x;y>\"" true false`, "q": `"" false true`,
	} {
		v, ok := a.Param(name)
		if got := fmt.Sprintf("%q %v %v", v, ok, v == nil); got != want {
			t.Errorf("%s: want %s, got %s", name, want, got)
		}
	}
	if string(a.Tag()) != "x" {
		t.Errorf("tag %q", a.Tag())
	}
	for _, none := range []string{"<sip:a@b>", "<sip:a@b>;tag", "<sip:a@b>;tag="} {
		if a, _ := ParseNameAddr([]byte(none)); a.Tag() != nil {
			t.Errorf("%s: tag %q", none, a.Tag())
		}
	}
}

func TestQ(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0 true", "1": "1000 true", "0.5": "500 true", "0.33": "330 true", "0.007": "7 true",
		"1.000": "1000 true", "0.": "0 true", "": "0 false", "2": "0 false", "1.001": "0 false",
		"0.1234": "0 false", ".5": "0 false", "0x5": "0 false", "0.5x": "0 false", "-1": "0 false",
	} {
		a := NameAddr{Params: []byte(";q=" + in)}
		q, ok := a.Q()
		if got := fmt.Sprintf("%d %v", q, ok); got != want {
			t.Errorf("%s: want %s, got %s", in, want, got)
		}
	}
	if _, ok := (&NameAddr{}).Q(); ok {
		t.Error("absent q is ok")
	}
}
