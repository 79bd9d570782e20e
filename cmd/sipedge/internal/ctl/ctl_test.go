package ctl

import (
	"errors"
	"testing"

	"sipedge/cmd/sipedge/internal/control"
	"sipedge/cmd/sipedge/internal/exit"
)

// What a server answers, and that none does, is told by the exit code.
func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{&control.Error{Status: 400}, exit.Usage},
		{&control.Error{Status: 404}, exit.Problems},
		{&control.Error{Status: 409}, exit.Refused},
		{&control.Error{Status: 413}, exit.Refused},
		{&control.Error{Status: 422}, exit.Problems},
		{&control.Error{Status: 500}, exit.Refused},
		{&control.Error{Status: 502}, exit.Unreachable},
		{&control.Error{Status: 503}, exit.Unreachable},
		{control.ErrNoServer, exit.Unreachable},
		{exit.With(exit.Problems, nil), exit.Problems},
	} {
		got := exit.Usage // of what has no code
		if e, ok := errors.AsType[*exit.Error](failed(c.err)); ok {
			got = e.Code
		}
		if got != c.want {
			t.Errorf("%#v: exit code %d, want %d", c.err, got, c.want)
		}
	}
	if err := failed(nil); err != nil {
		t.Error(err)
	}
}

func TestAge(t *testing.T) {
	for seconds, want := range map[float64]string{
		0: "0s", 0.0234: "23ms", 9.5: "9.5s", 59.7: "1m0s", 90061: "25h1m1s",
	} {
		if got := age(seconds); got != want {
			t.Errorf("%v: %s, want %s", seconds, got, want)
		}
	}
}

// Only what means itself to every shell is offered to it: strangers choose keys, AORs and contacts.
func TestPlain(t *testing.T) {
	for word, want := range map[string]bool{
		"alice@example.net": true, "sip:bob@[2001:db8::1]": false, "sip:bob@192.0.2.1:5060": true,
		"2001:db8::/64": true, "sipedge_requests_total": true, "a-b": true, "+4930,1%40=.": true,
		"": false, "-o": false, "a b": false, "a`touch b`": false, "$(touch b)": false, "a;b": false,
		"a\nb": false, "a\tb": false, "\x1b[2J": false, "~root": false, "a'b": false, "a\"b": false,
		`a\b`: false, "a*": false, "ä": false, "!1": false, "a|b": false, "a&b": false, "a<b": false,
	} {
		if got := plain(word); got != want {
			t.Errorf("%q: want %v, got %v", word, want, got)
		}
	}
}
