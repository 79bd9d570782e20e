//go:build !portable

package udp

import (
	"context"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"testing"
	"time"

	"sipedge/sip/transport"
	"sipedge/sip/transport/keep"
	"sipedge/sip/transport/transporttest"
)

// spare gives the readers of a test processors to keep.
func spare(t *testing.T, n int) {
	before := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(before + n)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

// holding waits until a reader waits with a processor in hand. It writes again and again: who looks
// late finds it given back.
func holding(t *testing.T, c *net.UDPConn) {
	t.Helper()
	transporttest.Eventually(t, "a reader holds a processor", func() bool {
		if _, err := c.Write([]byte("OPTIONS")); err != nil {
			t.Fatal(err)
		}
		return keep.Lent() == 1
	})
}

// TestCollectionsDoNotWait holds a reader in the kernel with its processor, where the collector
// has to get it out: without SO_RCVTIMEO, or without Gosched, a collection waits for the next
// datagram, and all of the process with it. So it is another process.
func TestCollectionsDoNotWait(t *testing.T) {
	if os.Getenv("SIPEDGE_TEST_COLLECT") != "" {
		collect(t)
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestCollectionsDoNotWait$")
	cmd.Env = append(os.Environ(), "SIPEDGE_TEST_COLLECT=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("collections: %v\n%s", err, out)
	}
}

func collect(t *testing.T) {
	spare(t, 1)
	m := manager(t, twins["best"], 1, "127.0.0.1:0")
	m.Start(&transporttest.Recorder{})
	c := dial(t, m.Listeners()[0].Addr)
	const count = 50
	var took []time.Duration
	for range count {
		holding(t, c)
		start := time.Now()
		runtime.GC()
		took = append(took, time.Since(start))
	}
	// One may wait for others on the machine; if they waited for datagrams, all did.
	slices.Sort(took)
	if middle := took[count/2]; middle > readWait/4 {
		t.Errorf("a collection takes %s", middle)
	}
}

// TestGoroutinesRunBesideAReader: a reader in the kernel takes no processor from others, even
// if it holds all but one.
func TestGoroutinesRunBesideAReader(t *testing.T) {
	spare(t, 4)
	m := manager(t, twins["best"], 4, "127.0.0.1:0")
	m.Start(&transporttest.Recorder{})
	stop := time.Now().Add(300 * time.Millisecond)
	c := dial(t, m.Listeners()[0].Addr)
	for time.Now().Before(stop) {
		if _, err := c.Write([]byte("OPTIONS")); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		done := make(chan struct{})
		go close(done)
		<-done
		if late := time.Since(start); late > readWait/2 {
			t.Fatalf("a goroutine began after %s", late)
		}
		time.Sleep(time.Millisecond)
	}
}

// TestAQuietReaderLetsGo: without traffic a reader keeps no processor, and traffic finds it.
func TestAQuietReaderLetsGo(t *testing.T) {
	spare(t, 1)
	m := manager(t, twins["best"], 1, "127.0.0.1:0")
	r := &transporttest.Recorder{}
	m.Start(r)
	c := dial(t, m.Listeners()[0].Addr)
	for range 3 {
		before := len(r.Messages())
		holding(t, c)
		transporttest.Eventually(t, "a message", func() bool { return len(r.Messages()) > before })
		transporttest.Eventually(t, "it lets go", func() bool { return keep.Lent() == 0 })
	}
}

// TestAProcessorIsLeft: readers never hold the last one.
func TestAProcessorIsLeft(t *testing.T) {
	m := manager(t, twins["best"], 8, "127.0.0.1:0")
	m.Start(&transporttest.Recorder{})
	c := dial(t, m.Listeners()[0].Addr)
	for range 200 {
		if _, err := c.Write([]byte("OPTIONS")); err != nil {
			t.Fatal(err)
		}
		if n := keep.Lent(); n >= runtime.GOMAXPROCS(0) {
			t.Fatalf("%d readers hold a processor of %d", n, runtime.GOMAXPROCS(0))
		}
	}
}

// TestAnswersLeaveFromWhereTheyWereAsked sends to several addresses of a wildcard listener.
func TestAnswersLeaveFromWhereTheyWereAsked(t *testing.T) {
	for bound, asked := range map[string][]string{
		"0.0.0.0:0": {"127.0.0.1", "127.0.0.7", "127.1.2.3"},
		"[::]:0":    {"::1"},
	} {
		m := manager(t, twins["best"], 1, bound)
		r := &transporttest.Recorder{}
		r.Answer(func(f transport.Flow, b []byte) {
			if err := m.Send(f.Target(), b, 0); err != nil {
				t.Errorf("answer: %v", err)
			}
		})
		m.Start(r)
		for _, a := range asked {
			to := netip.AddrPortFrom(netip.MustParseAddr(a), m.Listeners()[0].Addr.Port())
			// A connected socket takes only what comes from there.
			c := dial(t, to)
			if _, err := c.Write([]byte("OPTIONS")); err != nil {
				t.Fatal(err)
			}
			if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
			if n, err := c.Read(make([]byte, 100)); err != nil || n != len("OPTIONS") {
				t.Errorf("asked at %s: %d bytes, %v", to, n, err)
			}
			messages := r.Messages()
			if got := messages[len(messages)-1].Flow.Local; got != to {
				t.Errorf("came to %s, said to be %s", to, got)
			}
		}
	}
}

func TestZones(t *testing.T) {
	var z zones
	loopback, err := net.InterfaceByIndex(1)
	if err != nil {
		t.Skip("no interface 1")
	}
	for range 2 { // looked up, then known
		if i, err := z.index(loopback.Name); err != nil || i != 1 {
			t.Errorf("%s: %d, %v", loopback.Name, i, err)
		}
		if name := z.name(1); name != loopback.Name {
			t.Errorf("1: %s, want %s", name, loopback.Name)
		}
	}
	if _, err := z.index("no such interface"); err == nil {
		t.Error("an interface that is none: no error")
	}
	if i, err := z.index("77"); err != nil || i != 77 {
		t.Errorf("77: %d, %v", i, err)
	}
}
