package trace

import (
	"encoding/json"
	"io"
	"net/netip"
	"strconv"
	"strings"

	"sipedge/router/job"
	"sipedge/sip"
)

// Account is what there is to tell of one request: how it came, how it was decided and what
// left.
type Account struct {
	Request string
	Trace   *job.Trace // whose Events nobody adds to any more
	Replies []string   // what the caller got, each once
	Sent    []Sent     // what else left, each once
	Log     []string   // of the action log
}

// Sent is a message that left, and where to.
type Sent struct{ Target, Message string }

// WriteText tells a person.
func (a *Account) WriteText(w io.Writer) error {
	var b strings.Builder
	b.WriteString("request\n")
	indent(&b, a.Request)
	if len(a.Trace.Events) == 0 {
		b.WriteString("no rule saw it: the engine dealt with it by itself\n")
		for _, reply := range a.Replies {
			b.WriteString("→ the caller\n")
			indent(&b, reply)
		}
	}
	_ = a.Trace.WriteText(&b, true) // a Builder takes all
	for _, line := range a.Log {
		b.WriteString("log: " + line + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func indent(b *strings.Builder, message string) {
	message = strings.ReplaceAll(message, "\r\n", "\n")
	for line := range strings.SplitSeq(strings.TrimRight(message, "\n"), "\n") {
		b.WriteString("    " + line + "\n")
	}
}

// WriteJSON writes the same as one document.
func (a *Account) WriteJSON(w io.Writer) error {
	type message struct {
		Target  string `json:"target,omitempty"`
		Message string `json:"message"`
	}
	out := struct {
		Request string      `json:"request"`
		Trace   []job.Event `json:"trace"`
		Path    []string    `json:"path"`
		Replies []message   `json:"replies"`
		Sent    []message   `json:"sent"`
		Log     []string    `json:"log,omitempty"`
	}{a.Request, a.Trace.Events, []string{}, []message{}, []message{}, a.Log}
	for _, p := range Path(a.Trace) {
		out.Path = append(out.Path, p.String())
	}
	for _, reply := range a.Replies {
		out.Replies = append(out.Replies, message{Message: reply})
	}
	for _, s := range a.Sent {
		out.Sent = append(out.Sent, message(s))
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(out)
}

// Target is where a message went as a policy would write it, defaults left out:
// "gw1.example.net", "192.0.2.1:5070/tcp". host is the name that led there; "" none.
func Target(t sip.Transport, remote netip.AddrPort, host string) string {
	if host == "" {
		host = remote.Addr().String()
		if remote.Addr().Is6() {
			host = "[" + host + "]"
		}
	}
	if remote.Port() != t.DefaultPort() {
		host += ":" + strconv.Itoa(int(remote.Port()))
	}
	if t != sip.UDP {
		host += "/" + t.String()
	}
	return host
}
