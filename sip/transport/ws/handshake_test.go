package ws

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sipedge/sip/transport"
	"sipedge/sip/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

// request is a good one; edits are pairs of what is replaced and by what.
func request(edits ...string) string {
	return strings.NewReplacer(edits...).Replace("GET / HTTP/1.1\r\nHost: edge.example.net:8080\r\n" +
		"Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n" + key +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n")
}

func origin(o string) []string { return []string{"\r\n\r\n", "\r\nOrigin: " + o + "\r\n\r\n"} }

// answer is the status of the answer to a request. The connection is read to its end, unless it
// became a WebSocket.
func answer(t *testing.T, nc net.Conn, text string) *http.Response {
	t.Helper()
	if _, err := io.WriteString(nc, text); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusSwitchingProtocols {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
	}
	return r
}

func TestHandshake(t *testing.T) {
	some := &transport.WebSocket{Origins: []string{"https://Phone.example.net", "http://b.example"}}
	for _, c := range []struct {
		name   string
		at     *transport.WebSocket
		edits  []string
		status int
		why    transport.Rejection
	}{
		{"as RFC 7118 has it", nil, nil, 101, 0},
		{"several sub-protocols", nil, []string{"Protocol: sip", "Protocol: chat, sip"}, 101, 0},
		{"another path", nil, []string{"GET /", "GET /admin"}, 404, transport.RejectedPath},
		{"a query", nil, []string{"GET /", "GET /?token=1"}, 101, 0},
		{"the path of the listener", &transport.WebSocket{Path: "/sip"},
			[]string{"GET /", "GET /sip"}, 101, 0},
		{"not the path of the listener", &transport.WebSocket{Path: "/sip"}, nil, 404,
			transport.RejectedPath},
		{"no sub-protocol", nil, []string{"Sec-WebSocket-Protocol: sip\r\n", ""}, 400,
			transport.RejectedProtocol},
		{"another sub-protocol", nil, []string{"Protocol: sip", "Protocol: mqtt"}, 400,
			transport.RejectedProtocol},
		{"another version", nil, []string{"Version: 13", "Version: 8"}, 426,
			transport.RejectedRequest},
		{"no key", nil, []string{key, ""}, 400, transport.RejectedRequest},
		{"no upgrade", nil, []string{"Upgrade: websocket\r\n", ""}, 400, transport.RejectedRequest},
		{"another method", nil, []string{"GET", "POST"}, 405, transport.RejectedRequest},
		{"HTTP/1.0", nil, []string{"HTTP/1.1", "HTTP/1.0"}, 505, transport.RejectedRequest},
		{"a page of this host", nil, origin("http://edge.example.net:8080"), 101, 0},
		{"a page of another port", nil, origin("http://edge.example.net"), 403,
			transport.RejectedOrigin},
		{"a page of a stranger", nil, origin("https://evil.example"), 403, transport.RejectedOrigin},
		{"a page of nobody", nil, origin("null"), 403, transport.RejectedOrigin},
		{"a page of the list", some, origin("https://phone.EXAMPLE.net"), 101, 0},
		{"another page of the list", some, origin("http://b.example"), 101, 0},
		{"a page of this host, which the list has not", some,
			origin("http://edge.example.net:8080"), 403, transport.RejectedOrigin},
		{"two origins", some, []string{"\r\n\r\n",
			"\r\nOrigin: https://evil.example\r\nOrigin: http://b.example\r\n\r\n"}, 403,
			transport.RejectedOrigin},
		{"no page, with a list", some, nil, 101, 0},
		{"any page", &transport.WebSocket{Origins: []string{"*"}}, origin("https://evil.example"),
			101, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := server(t, transport.Limits{}, c.at, &transporttest.Recorder{})
			r := answer(t, dial(t, m), request(c.edits...))
			if r.StatusCode != c.status {
				t.Errorf("status %s, want %d", r.Status, c.status)
			}
			if got := r.Header.Get("Sec-WebSocket-Protocol"); c.status == 101 && got != "sip" {
				t.Errorf("sub-protocol %q, want sip", got)
			}
			for why := range transport.Rejections {
				want := uint64(0)
				if c.status != 101 && transport.Rejection(why) == c.why {
					want = 1
				}
				got := &m.Stats()[0].Rejected[why]
				what := fmt.Sprintf("%d rejected for %s", want, transport.Rejections[why])
				// It is counted once the answer was written.
				transporttest.Eventually(t, what, func() bool { return got.Load() == want })
			}
		})
	}
}

// What asks too slowly, too much, or for nothing costs a connection for a while, and no more.
func TestHandshakeIsBounded(t *testing.T) {
	u := &transporttest.Recorder{}
	m := server(t, transport.Limits{Arrival: 300 * time.Millisecond}, nil, u)
	st := m.Stats()[0]
	// Each is dialled when it is its turn: from then on its time runs.
	other := dial(t, m)
	if _, err := other.Write(transporttest.Text(1, 0)); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(other); err != nil || len(b) > 0 {
		t.Errorf("who speaks no HTTP was answered %q, %v", b, err)
	}
	slow := dial(t, m)
	if _, err := io.WriteString(slow, "GET / HTTP/1.1\r\n"); err != nil {
		t.Fatal(err)
	}
	long, err := dial(t, m), error(nil)
	for i := 0; err == nil && i < 10000; i++ {
		_, err = fmt.Fprintf(long, "X-%d: %0100d\r\n", i, i)
	}
	transporttest.Eventually(t, "the ends", func() bool {
		return st.Ended[transport.EndedSlow].Load() == 1 &&
			st.Ended[transport.EndedUnopened].Load() == 2
	})
	if n := st.Rejected[transport.RejectedRequest].Load(); n != 3 {
		t.Errorf("%d requests rejected, want 3", n)
	}
	if n := st.Open.Load(); n != 0 {
		t.Errorf("%d connections open", n)
	}
}

// Close does not wait for those who have not asked yet.
func TestCloseDuringHandshake(t *testing.T) {
	m := server(t, transport.Limits{}, nil, &transporttest.Recorder{})
	dial(t, m)
	st := m.Stats()[0]
	transporttest.Eventually(t, "the connection", func() bool { return st.Open.Load() == 1 })
	started := time.Now()
	if err := m.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(started); d > 5*time.Second {
		t.Errorf("closing took %v", d)
	}
	if n := st.Ended[transport.EndedByShutdown].Load(); n != 1 {
		t.Errorf("%d ended by shutdown, want 1", n)
	}
}
