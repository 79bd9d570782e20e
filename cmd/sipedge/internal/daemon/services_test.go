package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"sipedge/backends"
	"sipedge/cmd/sipedge/internal/control"
)

// Backends come and go on a reload, and the bindings of a store that stays are not touched.
func TestReloadBackends(t *testing.T) {
	folder := t.TempDir()
	one, two := filepath.Join(folder, "one.db"), filepath.Join(folder, "two.db")
	makeTables(t, one)
	makeTables(t, two)
	const contacts = "backends: {contacts: {memory: {}}"
	c := startControlled(t, contacts+"}\n")
	c.add(t, "alice@example.net", "sip:alice@192.0.2.7")
	base := c.policy
	with := func(more string) string { return strings.Replace(base, contacts, contacts+more, 1) }
	names := strings.Replace(with(fmt.Sprintf(", db: {sqlite: {file: %q}}", one)), "tables: {",
		"tables: {served: {set: {sql: {backend: db, table: domain, key: domain}}}, ", 1)
	for _, step := range []struct {
		name, policy string
		want         int
		backends     string
	}{
		{"one more, and who asks it", names, 0, "contacts memory, db sqlite"},
		{"the same", "# again\n" + names, 0, "contacts memory, db sqlite"},
		{"another file", strings.Replace(names, one, two, 1), 0, "contacts memory, db sqlite"},
		{"a store with other settings", strings.Replace(names, "{memory: {}}",
			"{memory: {use_domain: false}}", 1), 422, "contacts memory, db sqlite"},
		{"a store without its table", with(fmt.Sprintf(
			", db: {sqlite: {file: %q}}, more: {memory: {persist: write_through, database: db, "+
				"table: none}}", one)), 422, "contacts memory, db sqlite"},
		{"one less", base, 0, "contacts memory"},
	} {
		c.set(step.policy)
		if err := c.do(t, "reload", nil, new(control.Reload)); status(err) != step.want {
			t.Errorf("%s: %v, want %d\n%s", step.name, err, step.want, told(err))
		}
		var all control.Backends
		if err := c.do(t, "backends", nil, &all); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range all.Backends {
			got = append(got, b.Name+" "+b.Driver)
		}
		if s := strings.Join(got, ", "); s != step.backends {
			t.Errorf("%s: backends %s, want %s", step.name, s, step.backends)
		}
		var alice control.Bound
		if err := c.do(t, "binding", nil, &alice, "aor", "alice@example.net",
			"location", "contacts"); err != nil || len(alice.Bindings) != 1 {
			t.Errorf("%s: alice %+v, %v", step.name, alice, err)
		}
	}
}

// told is the text of a refusal.
func told(err error) string {
	if e, ok := errors.AsType[*control.Error](err); ok {
		return e.Text
	}
	return ""
}

// That a backend can't answer is logged once, however often it is tried, and that it does again.
func TestTurned(t *testing.T) {
	var log bytes.Buffer
	d := &Daemon{log: slog.New(slog.NewTextHandler(&log, nil))}
	const closed, open, halfOpen = backends.Closed, backends.Open, backends.HalfOpen
	for _, turn := range [][2]backends.Breaker{
		{closed, open}, {open, halfOpen}, {halfOpen, open}, {open, halfOpen}, {halfOpen, closed},
	} {
		d.turned("db", backends.Turn{Was: turn[0], Is: turn[1], Cause: errors.New("it is down")})
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "level=WARN") ||
		!strings.Contains(lines[0], `backend=db error="it is down"`) ||
		!strings.Contains(lines[1], `msg="backend answers again" backend=db`) {
		t.Errorf("want a warning with the error, and that it answers again, got\n%s", &log)
	}
}
