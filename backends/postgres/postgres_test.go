package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/backends/backendtest"
	"sipedge/schema"
	"sipedge/sip/transport/porttest"
)

func TestDB(t *testing.T) {
	server := backendtest.Postgres(t)
	db := backendtest.OpenDB(t, &Driver, fmt.Sprintf("{dsn: %q, timeout: %v, breaker: {rest: 200ms}}",
		server.PostgresDSN(), backendtest.Patience))
	backendtest.RunDB(t, backendtest.Subject{
		DB: db, Server: server,
		Table: func(t *testing.T, name string) {
			_, err := db.(backends.Querier).Exec(t.Context(), fmt.Sprintf("CREATE TABLE %s (id BIGINT, "+
				"name VARCHAR(255) UNIQUE, body TEXT, raw BYTEA, score DOUBLE PRECISION, at TIMESTAMP)", name))
			if err != nil {
				t.Fatal(err)
			}
		},
		Refuses: backendtest.NoNUL,
	})
}

// A change told by the database reaches who asked for it, also after the connection was lost.
func TestNotified(t *testing.T) {
	server := backendtest.Postgres(t)
	db := backendtest.OpenDB(t, &Driver, fmt.Sprintf("dsn: %q", server.PostgresDSN()))
	told, lost := make(chan struct{}, 100), make(chan error, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- db.(backends.Notifier).Notified(ctx, "subscriber", func(err error) {
			if err != nil {
				lost <- err
			} else {
				told <- struct{}{}
			}
		})
	}()
	tell := func(table string) {
		_, err := db.(backends.Querier).Exec(t.Context(), "SELECT pg_notify(?, ?)", channel, table)
		if err != nil {
			t.Error(err)
		}
	}
	hears := func(table string) {
		t.Helper()
		deadline := time.After(30 * time.Second)
		for {
			tell(table)
			select {
			case <-told:
				return
			case <-time.After(100 * time.Millisecond): // it may not listen yet
			case <-deadline:
				t.Fatal("never told")
			}
		}
	}
	select {
	case <-told: // it listens, and something may have changed before
	case <-time.After(30 * time.Second):
		t.Fatal("not told when it begins")
	}
	tell("location")
	tell("subscriber")
	<-told
	if n := len(told); n != 0 {
		t.Errorf("told %d times of another table", n)
	}
	if n := len(lost); n != 0 {
		t.Errorf("lost %d times: %v", n, <-lost)
	}
	server.Stop(t)
	select {
	case err := <-lost:
		if !errors.Is(err, backends.ErrUnavailable) {
			t.Errorf("the connection was lost: %v, want ErrUnavailable", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("nobody tells that the connection was lost")
	}
	server.Start(t)
	select {
	case <-told: // perhaps something changed meanwhile
	case <-time.After(30 * time.Second):
		t.Error("not told after the connection was lost")
	}
	hears("subscriber")
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Notified returned %v", err)
	}
}

// Who waits for a server that isn't there hears why, and waits no longer than he wants to.
func TestNotifiedByNobody(t *testing.T) {
	db := backendtest.OpenDB(t, &Driver,
		fmt.Sprintf("dsn: \"postgres://u@%s/x?sslmode=disable\"", porttest.Free(t)))
	ctx, cancel := context.WithCancel(t.Context())
	lost, done := make(chan error, 100), make(chan error, 1)
	go func() {
		done <- db.(backends.Notifier).Notified(ctx, "x", func(err error) { lost <- err })
	}()
	select {
	case err := <-lost:
		if !errors.Is(err, backends.ErrUnavailable) {
			t.Errorf("%v, want ErrUnavailable", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("nobody tells that there is no server")
	}
	cancel()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Error("it goes on without an end")
	}
}

// The password in a dsn is told to nobody.
func TestSecret(t *testing.T) {
	for _, dsn := range []string{"postgres://u:hunter2@host:port/x", "password=hunter2 nonsense"} {
		v := schema.Value{Kind: schema.Map, Keys: []schema.Key{
			{Name: "dsn", Value: schema.Value{Kind: schema.String, S: dsn}}}}
		b, diags := Driver.Open(&backends.Opening{Name: "x", Settings: &v})
		if b != nil || !diags.HasErrors() {
			t.Fatalf("%s: opened", dsn)
		}
		if s := fmt.Sprint(diags); strings.Contains(s, "hunter2") {
			t.Error(s)
		}
	}
}

func TestTables(t *testing.T) {
	server := backendtest.Postgres(t)
	db := backendtest.OpenDB(t, &Driver, fmt.Sprintf("dsn: %q", server.PostgresDSN()))
	backendtest.RunTables(t, db)
}
