package daemon

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"

	"sipedge/backends"
	"sipedge/cmd/sipedge/internal/keys"
	"sipedge/router/data"
	"sipedge/schema"
)

// checkBackends opens the backends as serve will, but with a state folder of its own, asks each for
// a sign of life, and reads the tables of the policy that are in databases.
func checkBackends(ctx context.Context, s *Subject) (diags schema.Diagnostics) {
	state, err := os.MkdirTemp("", "sipedge")
	if err != nil {
		return schema.Diagnostics{problemAt(schema.Pos{}, 0, schema.SilentBackend,
			"no backend was asked: %v", err)}
	}
	defer os.RemoveAll(state)
	services, diags := backends.OpenServices(s.Doc.Backends,
		backends.Host{
			State: state, Log: slog.New(slog.DiscardHandler), Reveal: keys.Revealer(s.Env), Look: true,
		})
	if services == nil {
		return diags
	}
	var all sync.WaitGroup
	silent := map[string]error{}
	var mu sync.Mutex // guards silent
	services.Each(func(name string, b backends.Backend) {
		all.Go(func() {
			if err := b.Ping(ctx); err != nil {
				mu.Lock()
				silent[name] = err
				mu.Unlock()
			}
		})
	})
	all.Wait()
	for i := range s.Doc.Backends {
		b := &s.Doc.Backends[i]
		dead := func(other string) bool { return silent[other] != nil }
		if err := silent[b.Name]; err != nil && !slices.ContainsFunc(services.Uses(b.Name), dead) {
			d := problemAt(b.Pos, b.Pos.Col+len(b.Name), schema.SilentBackend,
				"the backend %s does not answer: %v", b.Name, err)
			if errors.Is(err, backends.ErrRefused) {
				d.Hint = "`sipedge db check` tells, `sipedge db init` makes tables"
			}
			diags = append(diags, d)
		}
	}
	var tables []schema.Table
	for _, t := range s.Doc.Tables {
		if t.SQL == nil || silent[t.SQL.Backend.S] != nil {
			continue
		}
		must := *t.SQL
		must.Required = true
		t.SQL = &must
		tables = append(tables, t)
	}
	_, wrong := data.Load(tables, nil, services.Database)
	_ = services.Close() // nothing was written
	return slices.Concat(diags, wrong)
}
