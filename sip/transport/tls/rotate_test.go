package tls

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sipedge/sip/transport"
	"sipedge/sip/transport/transporttest"
)

// Who is told hears of each certificate that was read again, and of each that could not be.
func TestTell(t *testing.T) {
	ca := transporttest.NewAuthority(t)
	files := one(ca, "edge", None, "edge.example")
	s := store(t, map[string]Files{"edge": files})
	var told []bool
	s.Tell(func(name string, err error) {
		if told = append(told, err == nil); name != "edge" {
			t.Errorf("told of %q", name)
		}
	})
	refresh := func() {
		for range 2 { // files are at rest when they look like the time before
			s.Refresh(slog.New(slog.DiscardHandler))
		}
	}
	refresh()
	ca.Issue("edge", names("edge.example", "other.example"))
	refresh()
	if err := os.WriteFile(files.Cert, []byte("nothing of the kind"), 0o600); err != nil {
		t.Fatal(err)
	}
	refresh()
	refresh()
	if !slices.Equal(told, []bool{true, false}) {
		t.Errorf("told %v", told)
	}
}

// That a certificate ends is logged once, and that one which has ended takes its place; the list
// says so as long as it lasts.
func TestTellsOfTheEnd(t *testing.T) {
	ca := transporttest.NewAuthority(t)
	brief := names("edge.example")
	brief.NotAfter = time.Now().Add(4 * time.Second)
	cert, key, _ := ca.Issue("edge", brief)
	s := store(t, map[string]Files{"edge": {Cert: cert, Key: key}})
	var log bytes.Buffer
	warned := func(want int) {
		t.Helper()
		for range 3 {
			s.Refresh(slog.New(slog.NewTextHandler(&log, nil)))
		}
		if n := strings.Count(log.String(), "level=WARN"); n != want {
			t.Errorf("%d warnings, want %d:\n%s", n, want, &log)
		}
	}
	warned(0)
	time.Sleep(time.Until(brief.NotAfter.Add(time.Second))) // times of certificates have no fractions
	warned(1)
	past := names("edge.example")
	past.NotAfter = time.Now().Add(-time.Minute)
	ca.Issue("edge", past)
	warned(2)
	if s := s.List()[0]; !strings.HasPrefix(s.Wrong, "it ended at ") {
		t.Errorf("%+v, want it to say when it ended", s)
	}
}

// A certificate that is renewed again and again, while 200 connect a second: nobody is refused,
// and who was connected before stays. SIPEDGE_SOAK=1: for a minute.
func TestRotationUnderLoad(t *testing.T) {
	last := 2 * time.Second
	if os.Getenv("SIPEDGE_SOAK") == "1" {
		last = time.Minute
	}
	ca := transporttest.NewAuthority(t)
	s := store(t, map[string]Files{"edge": one(ca, "edge", None, "edge.example")})
	// A machine that is behind is not to be at the bound of a handshake.
	m, got := node(t, s.Credentials("edge"), transport.Limits{Handshake: time.Minute})
	dial := func() (*tls.Conn, error) {
		return tls.Dial("tcp", m.Listeners()[0].Addr.String(), &tls.Config{InsecureSkipVerify: true})
	}
	old, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()

	var mu sync.Mutex
	seen, count := map[string]bool{}, 0
	var dialling sync.WaitGroup
	knock := func() {
		c, err := dial()
		if err != nil {
			t.Errorf("a connection was refused: %v", err)
			return
		}
		defer c.Close()
		if _, err := c.Write(transporttest.Text(1, 0)); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		seen[c.ConnectionState().PeerCertificates[0].SerialNumber.String()] = true
		count++
	}
	const (
		every = 5 * time.Millisecond
		most  = 100 // at once
	)
	under := make(chan struct{}, most)
	for i, begun := 0, time.Now(); time.Duration(i)*every < last; i++ {
		time.Sleep(time.Until(begun.Add(time.Duration(i) * every)))
		under <- struct{}{}
		dialling.Go(func() {
			knock()
			<-under
		})
		if i%10 == 0 {
			s.Refresh(slog.New(slog.DiscardHandler))
		}
		if i%40 == 0 {
			ca.Issue("edge", names("edge.example"))
		}
	}
	dialling.Wait()
	if done, _ := s.Reloads(); done < 3 || len(seen) < 3 {
		t.Errorf("%d reloads, %d certificates seen: this shows nothing", done, len(seen))
	}
	if _, err := old.Write(transporttest.Text(2, 0)); err != nil {
		t.Errorf("on the connection of before: %v", err)
	}
	transporttest.Eventually(t, "all messages", func() bool { return len(got.Messages()) == count+1 })
	t.Logf("%d connections", count)
}
