package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"sipedge/cmd/sipedge/internal/control"
	"sipedge/router/trace"
	"sipedge/sip/transport/transporttest"
)

// ask sends a request to the admin listener, with more header fields: "Host: a", "Content-Type: b".
func (r *running) ask(t *testing.T, method, path, body string, fields ...string) (int, string) {
	t.Helper()
	q, err := http.NewRequest(method, "http://"+r.log.entry("admin", "addr")+path,
		strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/json")
	for _, f := range fields {
		switch name, value, _ := strings.Cut(f, ": "); name {
		case "":
		case "Host":
			q.Host = value
		default:
			q.Header.Set(name, value)
		}
	}
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func decodeStatus(t *testing.T, text string) (s trace.Status) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return s
}

func TestTraceRefused(t *testing.T) {
	r := start(t)
	const order = `{"count": 1, "time": "1m"}`
	for _, c := range []struct {
		name, method, path, body string
		field                    string
		want                     int
	}{
		{"a form", "POST", "/trace", order, "Content-Type: text/plain", 415},
		{"nothing", "POST", "/trace", "", "", 400},
		{"an unknown word", "POST", "/trace", `{"count": 1, "time": "1m", "all": true}`, "", 400},
		{"no calls", "POST", "/trace", `{"count": 0, "time": "1m"}`, "", 400},
		{"too long", "POST", "/trace", `{"user": "` + strings.Repeat("x", maxOrder) + `"}`, "", 400},
		{"another method", "GET", "/trace", "", "", 405},
		{"another host", "POST", "/trace", order, "Host: evil.example", 403},
		{"another host, by name", "GET", "/debug/runtime", "", "Host: evil.example:8060", 403},
		{"another host", "GET", "/debug/pprof/heap", "", "Host: evil.example", 403},
		{"another host", "GET", "/debug/pprof/profile", "", "Host: evil.example", 403},
		{"no such recording", "GET", "/trace/1", "", "", 404},
		{"no such recording", "DELETE", "/trace/1", "", "", 404},
		{"no such recording", "GET", "/trace/1/text", "", "", 404},
	} {
		if code, body := r.ask(t, c.method, c.path, c.body, c.field); code != c.want {
			t.Errorf("%s: %d, want %d: %s", c.name, code, c.want, body)
		}
	}
	if code, body := r.ask(t, "POST", "/trace", order, "Host: localhost:1"); code != 201 {
		t.Errorf("nothing of it armed, yet: %d %s", code, body)
	}
}

// TestTraceFromElsewhere: messages are shown to this host alone.
func TestTraceFromElsewhere(t *testing.T) {
	mux := http.NewServeMux()
	traces := &traces{new(trace.Recorder), slog.New(slog.DiscardHandler)}
	traces.register(mux)
	own := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 9), Port: 8060}
	for peer, welcome := range map[string]bool{
		"127.0.0.1:9": true, "[::1]:9": true, "[::ffff:127.0.0.1]:9": true, "192.0.2.9:1": true,
		"192.0.2.1:9": false, "[2001:db8::1]:9": false, "@": false,
	} {
		q := httptest.NewRequest("POST", "http://127.0.0.1/trace",
			strings.NewReader(`{"count": 1, "time": "1m"}`))
		q.RemoteAddr = peer
		q = q.WithContext(context.WithValue(q.Context(), http.LocalAddrContextKey, own))
		q.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, q)
		if (w.Code != http.StatusForbidden) != welcome {
			t.Errorf("%s: %d", peer, w.Code)
		}
	}
}

func TestTrace(t *testing.T) {
	r := start(t)
	code, body := r.ask(t, "POST", "/trace", `{"count": 1, "time": "1m", "method": "OPTIONS"}`)
	if code != 201 {
		t.Fatalf("%d %s", code, body)
	}
	path := "/trace/" + decodeStatus(t, body).ID
	if code, body := r.ask(t, "POST", "/trace", `{"count": 1, "time": "1m"}`); code != 409 ||
		!strings.HasPrefix(body, "a recording runs already, ") {
		t.Errorf("the second: %d %s", code, body)
	}
	if r.log.entry("trace armed", "calls") != "1" {
		t.Error("the log says nothing of it")
	}
	r.options(t, "c1")
	await := time.Now().Add(10 * time.Second)
	var s trace.Status
	for s.Ended == "" && time.Now().Before(await) {
		_, body = r.ask(t, "GET", path, "")
		s = decodeStatus(t, body)
	}
	if s.Ended != trace.ByCalls || s.Calls != 1 || s.Over != 1 || s.Requests != 1 {
		t.Errorf("got %+v", s)
	}
	if _, text := r.ask(t, "GET", path+"/text", ""); !strings.HasPrefix(text,
		"request\n    OPTIONS sip:a@127.0.0.1 SIP/2.0\n") ||
		!strings.Contains(text, "\n    ✓ rule 1 (policy.yaml:6)\n        reply: done\n") ||
		strings.Contains(text, "c3VjaA") {
		t.Errorf("got\n%s", text)
	}
	_, text := r.ask(t, "GET", path+"/json", "")
	var doc struct {
		Request string
		Path    []string
		Replies []struct{ Message string }
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil || len(doc.Path) != 1 ||
		len(doc.Replies) != 1 || !strings.Contains(doc.Request, "Authorization: Basic (hidden)\r\n") {
		t.Errorf("%v %+v in\n%s", err, doc, text)
	}
	if code, _ := r.ask(t, "GET", path+"/xml", ""); code != 404 {
		t.Errorf("another form: %d", code)
	}
	_, body = r.ask(t, "POST", "/trace", `{"count": 2, "time": "1m"}`)
	next := "/trace/" + decodeStatus(t, body).ID
	if code, _ := r.ask(t, "GET", path, ""); code != 404 {
		t.Errorf("the first, after the second: %d", code)
	}
	if _, body := r.ask(t, "DELETE", next, ""); decodeStatus(t, body).Ended != trace.ByStop {
		t.Errorf("stopped: %s", body)
	}
}

// options sends an OPTIONS with credentials and waits for its answer.
func (r *running) options(t *testing.T, id string) {
	t.Helper()
	conn, err := net.Dial("udp", r.log.entry("listening", "addr"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "OPTIONS sip:a@127.0.0.1 SIP/2.0\r\n"+
		"Via: SIP/2.0/UDP x;branch=z9hG4bK1;rport\r\nMax-Forwards: 70\r\n"+
		"From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: %s\r\n"+
		"Authorization: Basic c3VjaA==\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n", id)
	answer := make([]byte, 4096)
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, err := conn.Read(answer)
	if err != nil || !strings.HasPrefix(string(answer[:n]), "SIP/2.0 200") {
		t.Fatalf("OPTIONS: %q, %v", answer[:n], err)
	}
}

// sent waits until so many messages are counted that left by UDP, which each is behind its leave.
func (r *running) sent(t *testing.T, n uint64) {
	t.Helper()
	transporttest.Eventually(t, "what was sent is counted", func() bool {
		return r.manager.Stats()[0].MessagesOut.Load() == n
	})
}

// At level debug the log tells of each message what came, which rules decided and what left, with
// the Call-ID and without header fields; at other levels nothing.
func TestDebugLog(t *testing.T) {
	c := startControlled(t, "")
	c.options(t, "quiet")
	level := control.LogLevel{Level: "debug"}
	if err := c.do(t, "set_log_level", &level, &level); err != nil {
		t.Fatal(err)
	}
	c.options(t, "told")
	for end := time.Now().Add(10 * time.Second); c.log.entry("decided", "verdict") == ""; {
		if time.Now().After(end) {
			t.Fatal("the log does not say what was decided")
		}
		time.Sleep(time.Millisecond) // the response left before
	}
	var got []string
	for line := range strings.Lines(c.log.String()) {
		var e struct{ Level, Msg, Message, Route, Rules, Verdict, Remote, CallID string }
		if json.Unmarshal([]byte(strings.ReplaceAll(line, "call_id", "callid")), &e) != nil ||
			e.CallID == "" {
			continue
		}
		got = append(got, strings.Join(strings.Fields(strings.Join([]string{
			e.Level, e.CallID, e.Msg, e.Message, e.Route, e.Rules, e.Verdict}, " ")), " "))
		if e.Msg != "decided" && !strings.HasPrefix(e.Remote, "127.0.0.1:") {
			t.Errorf("%s: from or to %q", e.Msg, e.Remote)
		}
	}
	want := []string{
		"DEBUG told received OPTIONS sip:a@127.0.0.1 SIP/2.0",
		"DEBUG told sent SIP/2.0 200 OK",
		"DEBUG told decided request request/1 done",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if log := c.log.String(); strings.Contains(log, "c3VjaA==") {
		t.Errorf("credentials are logged:\n%s", log)
	}
}
