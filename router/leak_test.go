package router

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// drawSteps draws steps that work on variables with the message's token alone,
// and write into the message what the variables hold.
func drawSteps(t *rapid.T, label string) string {
	var b strings.Builder
	for i := range rapid.IntRange(1, 6).Draw(t, label) {
		name := rapid.SampledFrom([]string{"avp.a", "avp.b", "var.a", "var.b"}).Draw(t, "name")
		switch rapid.IntRange(0, 5).Draw(t, "step") {
		case 0, 1:
			fmt.Fprintf(&b, "        - push: {%s: \"{headers.X-Token | suffix(-%d)}\"}\n", name, i)
		case 2:
			fmt.Fprintf(&b, "        - set: {%s: \"{headers.X-Token}\"}\n", name)
		case 3:
			fmt.Fprintf(&b, "        - pop: %s\n", name)
		case 4:
			fmt.Fprintf(&b, "        - unset: %s\n", name)
		default:
			fmt.Fprintf(&b, "        - set: {avp.a: \"{%s} {%s[1]}\"}\n", name, name)
		}
	}
	b.WriteString("        - add_header: {X-Out: \"{avp.a},{avp.a[1]},{avp.a[2]},{avp.b},{avp.b[1]}," +
		"{var.a},{var.a[1]},{var.b},{var.b[1]}\"}\n")
	return b.String()
}

func drawPolicy(t *rapid.T) string {
	steps := func(of string) string { return "    - do:\n" + drawSteps(t, of) }
	named := func(of string) string {
		return strings.ReplaceAll(steps(of), "\n", "\n  ")
	}
	return "version: 1\nlisten: [{udp: \"10.0.0.9:5060\"}]\n" +
		"vars: {avp.a: string, avp.b: string, var.a: string, var.b: string}\nroutes:\n  request:\n" +
		"    - do: [{route: first}]\n" +
		"    - match: {method: OPTIONS, vars: {var.a: true}}\n      do: [{reply: {code: 200}}]\n" +
		"    - match: {headers: {X-Stateless: true}}\n" +
		"      do: [{forward: {to: \"sip:10.0.0.2\"}}]\n" +
		"    - do: [{relay: {to: \"sip:10.0.0.2\", branch: b, reply: r, failure: f}}]\n" +
		"  sub:\n    first:\n  " + strings.TrimRight(named("request"), " ") +
		"\n  branch:\n    b:\n  " + strings.TrimRight(named("branch"), " ") +
		"\n  reply:\n    all:\n  " + strings.TrimRight(named("reply"), " ") +
		"\n    r:\n  " + strings.TrimRight(named("reply"), " ") +
		"\n  failure:\n    f:\n  " + strings.TrimRight(named("failure"), " ") +
		"\n      - match: {vars: {avp.b: true}}\n        do: [{relay: {to: \"sip:10.0.0.2\"}}]\n"
}

var token = regexp.MustCompile(`tok\d+`)

// own checks that a message speaks of one call alone.
func own(t *rapid.T, m string) {
	call := ""
	for _, found := range token.FindAllString(m, -1) {
		if call == "" {
			call = found
		}
		if found != call {
			t.Fatalf("%s got what %s set:\n%s", call, found, m)
		}
	}
}

// Values never leak: whatever random policies do with variables, in whatever
// order messages come, each message carries values of its own call alone.
func TestValuesNeverLeak(t *testing.T) {
	told := 0
	rapid.Check(t, func(rt *rapid.T) {
		r, w := onWire(t, drawPolicy(rt))
		var waiting []string // requests that left
		for i := range rapid.IntRange(5, 25).Draw(rt, "messages") {
			w.sent = nil
			if rapid.IntRange(0, 5).Draw(rt, "time") == 0 { // everything ends
				r.Advance(r.cfg.Clock().Add(time.Hour))
				for _, m := range w.sent {
					own(rt, m)
				}
				w.sent, waiting = nil, nil
			}
			var text string
			if n := len(waiting); n > 0 && rapid.Bool().Draw(rt, "answer") {
				at := rapid.IntRange(0, n-1).Draw(rt, "which")
				status := rapid.SampledFrom([]int{180, 200, 404, 503}).Draw(rt, "status")
				_, rest, _ := strings.Cut(waiting[at], "\r\n")
				text = fmt.Sprintf("SIP/2.0 %d X\r\n%s", status, rest)
				if status >= 200 {
					waiting = append(waiting[:at], waiting[at+1:]...)
				}
			} else {
				method := rapid.SampledFrom([]string{"INVITE", "MESSAGE", "OPTIONS"}).Draw(rt, "method")
				extra := ""
				if rapid.Bool().Draw(rt, "stateless") {
					extra = "X-Stateless: 1\r\n"
				}
				text = fmt.Sprintf("%s sip:bob@example.net SIP/2.0\r\n"+
					"Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKtok%d\r\n"+
					"From: <sip:alice@example.org>;tag=a\r\nTo: <sip:bob@example.net>\r\n"+
					"Call-ID: tok%d\r\nCSeq: 1 %s\r\nX-Token: tok%d\r\n%sContent-Length: 0\r\n\r\n",
					method, i, i, method, i, extra)
			}
			r.Receive(alice, []byte(text))
			for _, m := range w.sent {
				own(rt, m)
				told += strings.Count(m, "X-Out:")
				if !strings.HasPrefix(m, "SIP/2.0 ") && !strings.HasPrefix(m, "ACK") {
					waiting = append(waiting, m)
				}
			}
		}
		if n := r.Stats().Panics; n > 0 {
			rt.Fatalf("%d panics", n)
		}
	})
	if told == 0 {
		t.Error("no message told of variables: the test proves nothing")
	}
}
