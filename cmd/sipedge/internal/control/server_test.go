package control

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/cmd/sipedge/internal/ctlsocket"
)

// serve has a server answer until the test ends.
func serve(t *testing.T, c Config) *Client {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ctl.sock")
	l, err := ctlsocket.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	c.Log = slog.New(slog.DiscardHandler)
	s, over := NewServer(c), make(chan bool)
	go func() { s.Serve(l); close(over) }()
	t.Cleanup(func() { s.Close(); <-over })
	return NewClient(path)
}

// What takes long is answered when it is done.
func TestLongOperation(t *testing.T) {
	t.Parallel()
	c := serve(t, Config{Reload: func(ctx context.Context) (*Reload, error) {
		select {
		case <-time.After(max(readTime, writeTime) + time.Second):
			return &Reload{Generation: 7}, nil
		case <-ctx.Done():
			return nil, &Error{Status: http.StatusServiceUnavailable, Detail: "cut short"}
		}
	}})
	var r Reload
	if err := c.Do(context.Background(), "reload", nil, nil, &r); err != nil || r.Generation != 7 {
		t.Errorf("%+v, %v", r, err)
	}
}

// What is under way when the server ends ends, and is answered.
func TestClose(t *testing.T) {
	begun := make(chan bool)
	path := filepath.Join(t.TempDir(), "ctl.sock")
	l, err := ctlsocket.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(Config{
		Log: slog.New(slog.DiscardHandler),
		Reload: func(ctx context.Context) (*Reload, error) {
			close(begun)
			<-ctx.Done()
			return nil, ctx.Err()
		},
	})
	over, answered := make(chan bool), make(chan error)
	go func() { s.Serve(l); close(over) }()
	go func() {
		answered <- NewClient(path).Do(context.Background(), "reload", nil, nil, new(Reload))
	}()
	<-begun
	s.Close()
	if e, ok := (<-answered).(*Error); !ok || e.Status != http.StatusServiceUnavailable {
		t.Errorf("got %v", e)
	}
	<-over
}

// An error says by its status whose it is.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{refuse(404, "none"), 404},
		{fmt.Errorf("3 bindings are removed, then: %w", backends.ErrUnavailable), 503},
		{context.DeadlineExceeded, 503},
		{backends.ErrRefused, 500},
	} {
		w := httptest.NewRecorder()
		writeRefusal(w, c.err)
		var e Error
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code != c.want ||
			e.Status != c.want || e.Detail != c.err.Error() {
			t.Errorf("%v: %d %s", c.err, w.Code, w.Body)
		}
	}
}
