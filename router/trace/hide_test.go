package trace

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sipedge/router/job"
)

const digest = `Digest username="alice", realm="example.net", nonce="n0", uri="sip:example.net", ` +
	`response="0123456789abcdef0123456789abcdef", algorithm=MD5`

func TestHideFields(t *testing.T) {
	message := "REGISTER sip:example.net SIP/2.0\r\n" +
		"Authorization: " + digest + "\r\n" +
		"proxy-authorization :\tBasic YWxpY2U6c2VjcmV0\r\n" +
		"PROXY-AUTHORIZATION: Bearer\r\n folded.token.here\r\n\tand more\r\n" +
		"Authentication-Info: rspauth=\"fedcba9876543210\"\r\n" +
		"Authorization:Digest\tresponse=\"00000000\"\r\n" +
		"Authorization:\r\n" +
		"X-Authorization: mine\r\n" +
		"Content-Length: 40\r\n\r\n" +
		"v=0\r\nAuthorization: Basic aW5zaWRl\r\n"
	want := "REGISTER sip:example.net SIP/2.0\r\n" +
		"Authorization: Digest (hidden)\r\n" +
		"proxy-authorization : Basic (hidden)\r\n" +
		"PROXY-AUTHORIZATION: Bearer (hidden)\r\n" +
		"Authentication-Info: (hidden)\r\n" +
		"Authorization: (hidden)\r\n" +
		"Authorization: (hidden)\r\n" +
		"X-Authorization: mine\r\n" +
		"Content-Length: 40\r\n\r\n" +
		"v=0\r\nAuthorization: Basic (hidden)\r\n"
	if d := cmp.Diff(want, newHider(message).message(message)); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

// TestHideCopies: what stood in the fields is not shown where a policy puts it.
func TestHideCopies(t *testing.T) {
	message := "INVITE sip:bob@example.net SIP/2.0\r\nAuthorization: " + digest + "\r\n" +
		"Proxy-Authorization: Basic YWxpY2U6c2VjcmV0\r\n\r\n"
	h := newHider(message)
	const response = "0123456789abcdef0123456789abcdef"
	run := &job.Run{Type: "request", Route: "request", Verdict: "done", Rules: []job.Try{
		{Failed: &job.Miss{Field: "headers.Authorization", Value: `"` + digest + `"`}},
		{Failed: &job.Miss{Field: "headers.Authorization", Value: "empty or absent"}},
		{Failed: &job.Miss{Field: "any", Value: `headers.Authorization "` + digest + `", method "A"`}},
		{Failed: &job.Miss{Field: "method", Value: `"INVITE"`}},
		{Name: "all", Steps: []*job.StepDone{{
			Action: "set", Error: "no " + response,
			Edits: []job.Edit{
				{Field: "var.x", After: "is " + response},
				{Field: "headers.Proxy-Authorization", Before: "Basic short", After: "Basic other"},
				{Field: "headers.Authorization[1]", Before: digest},
				{Field: "headers.X", After: digest},
				{Field: "body", After: "Authorization: Basic x\r\n"},
				{Field: "ruri", Before: "sip:bob@example.net", After: "sip:YWxpY2U6c2VjcmV0@x"},
			},
			Runs: []*job.Run{{Rules: []job.Try{{Failed: &job.Miss{Field: "var.x", Value: response}}}}},
		}}},
	}}
	want := []string{
		"(hidden)", "empty or absent", `headers.Authorization "(hidden)", method "A"`, `"INVITE"`,
		"no (hidden)",
		"+ var.x is (hidden)",
		"headers.Proxy-Authorization Basic (hidden) → Basic (hidden)",
		"- headers.Authorization[1] Digest (hidden)",
		"+ headers.X (hidden)",
		"+ body Authorization: Basic (hidden)\\n",
		"ruri sip:bob@example.net → sip:(hidden)@x",
		"(hidden)",
	}
	var got []string
	var walk func(*job.Run)
	walk = func(r *job.Run) {
		for _, try := range r.Rules {
			if try.Failed != nil {
				got = append(got, try.Failed.Value)
			}
			for _, s := range try.Steps {
				got = append(got, s.Error)
				for _, e := range s.Edits {
					got = append(got, e.String())
				}
				for _, r := range s.Runs {
					walk(r)
				}
			}
		}
	}
	before := run.Rules[4].Steps[0].Edits[0].After
	walk(h.events([]job.Event{{Run: run}})[0].Run)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if run.Rules[4].Steps[0].Edits[0].After != before {
		t.Error("the trace itself was changed")
	}
}

// TestHideAllProofs: an attacker's parameters don't draw the search away from the true response.
func TestHideAllProofs(t *testing.T) {
	message := "INVITE sip:b@c SIP/2.0\r\n" +
		`Authorization: Digest username="response=aaaaaaaa", response = bbbbbbbb` + "\r\n\r\n"
	if got := newHider(message).text("x bbbbbbbb"); strings.Contains(got, "bbbb") {
		t.Errorf("got %s", got)
	}
}

func FuzzHide(f *testing.F) {
	f.Add("Authorization: Basic abc\r\n def\r\nX: y\r\n\r\n", "Basic abcdefgh")
	f.Fuzz(func(t *testing.T, message, value string) {
		if strings.ContainsAny(value, "\r\n") || len(strings.TrimSpace(value)) < shortest {
			return
		}
		m := message + "\r\nAuthorization: " + value + "\r\nX-Copy: " + value + "\r\n\r\n"
		scheme, secret, ok := strings.Cut(strings.TrimSpace(value), " ")
		if secret = strings.TrimSpace(secret); !ok || len(secret) < shortest ||
			proofs.MatchString(value) || strings.Contains(message+scheme+" "+hidden, secret) {
			return
		}
		if got := newHider(m).message(m); strings.Contains(got, secret) {
			t.Errorf("%q is shown in %q", secret, got)
		}
	})
}
