package tcp

import (
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"sipedge/sip"
	"sipedge/sip/transport"
	"sipedge/sip/transport/poll"
	"sipedge/sip/transport/transporttest"
)

// behindProxy is a listener whose connections come from a proxy: those of 127.0.0.1.
func behindProxy(t *testing.T, l transport.Limits, u transport.User) *transport.Manager {
	t.Helper()
	m, err := transport.NewManager(transport.Config{Limits: l, Listeners: []transport.Listener{{
		Transport: sip.TCP, Addr: netip.MustParseAddrPort("127.0.0.1:0"),
		Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
	}}}, drivers)
	if err != nil {
		t.Fatal(err)
	}
	m.Start(u)
	t.Cleanup(func() {
		if err := m.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return m
}

func write(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// gone waits until the other end has closed c.
func gone(t *testing.T, c net.Conn) {
	t.Helper()
	if n, err := c.Read(make([]byte, 100)); err == nil {
		t.Fatalf("%d bytes came, want the end", n)
	}
}

const proxied = "PROXY TCP4 203.0.113.7 127.0.0.1 40000 5060\r\n"

// A message comes from the client that the header names, and its answer goes by the same
// connection.
func TestProxied(t *testing.T) {
	u := &transporttest.Recorder{}
	m := behindProxy(t, transport.Limits{}, u)
	c := dial(t, m)
	write(t, c, proxied+string(transporttest.Text(1, 0)))
	transporttest.Eventually(t, "the message", func() bool { return len(u.Messages()) == 1 })
	f := u.Messages()[0].Flow
	if f.Remote != netip.MustParseAddrPort("203.0.113.7:40000") ||
		f.Local != m.Listeners()[0].Addr {
		t.Errorf("flow %+v", f)
	}
	if err := m.Send(f.Target(), []byte("answer"), 0); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 6)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "answer" {
		t.Errorf("the proxy got %q, %v", got, err)
	}
	if m.Stats()[0].Looped.Load() != 1 && poll.Works {
		t.Error("no loop has it")
	}
	// A second header on the same connection is no message.
	write(t, c, "PROXY TCP4 198.51.100.1 127.0.0.1 1 1\r\n\r\n")
	gone(t, c)
}

// From who is no proxy a header is not taken: it ends the connection as other garbage does.
func TestNotFromProxies(t *testing.T) {
	u := &transporttest.Recorder{}
	m := behindProxy(t, transport.Limits{}, u)
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	for _, header := range []string{"", proxied} {
		c, err := d.Dial("tcp", m.Listeners()[0].Addr.String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		write(t, c, header+string(transporttest.Text(1, 0)))
		if header != "" {
			gone(t, c)
		}
	}
	transporttest.Eventually(t, "the message", func() bool { return len(u.Messages()) == 1 })
	if a := u.Messages()[0].Flow.Remote.Addr(); a != netip.MustParseAddr("127.0.0.2") {
		t.Errorf("the message came from %s", a)
	}
	transporttest.Eventually(t, "the end for its framing", func() bool {
		return m.Stats()[0].Ended[transport.EndedFraming].Load() == 1
	})
}

// A proxy that sends no header, or not in time, is ended and counted; it keeps nobody waiting.
func TestProxyWithoutHeader(t *testing.T) {
	u := &transporttest.Recorder{}
	m := behindProxy(t, transport.Limits{Arrival: 500 * time.Millisecond}, u)
	for _, text := range []string{"", "PROXY TC", string(transporttest.Text(1, 0))} {
		c := dial(t, m)
		write(t, c, text)
		healthy := dial(t, m)
		write(t, healthy, proxied+string(transporttest.Text(2, 0)))
		gone(t, c)
	}
	if n := m.Stats()[0].Unproxied.Load(); n != 3 {
		t.Errorf("%d counted, want 3", n)
	}
	transporttest.Eventually(t, "the messages behind a header", func() bool {
		return len(u.Messages()) == 3
	})
}

// Of those without a header a quarter of all connections may wait; the rest is turned away.
func TestProxiesThatWait(t *testing.T) {
	m := behindProxy(t, transport.Limits{Connections: 8}, &transporttest.Recorder{})
	var all []net.Conn
	for range 4 {
		all = append(all, dial(t, m))
	}
	transporttest.Eventually(t, "two to be refused", func() bool {
		return m.Stats()[0].Refused.Load() == 2
	})
	for _, c := range all {
		c.Close()
	}
	transporttest.Eventually(t, "the end of the others", func() bool {
		return m.Stats()[0].Unproxied.Load() == 2
	})
}
