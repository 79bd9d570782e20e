package memory

import (
	"fmt"
	"testing"

	"sipedge/backends"
	"sipedge/backends/backendtest"
	"sipedge/backends/journal"
	"sipedge/backends/postgres"
)

// BenchmarkFlush writes bindings that changed to PostgreSQL.
func BenchmarkFlush(b *testing.B) {
	db := backendtest.OpenDB(b, &postgres.Driver,
		fmt.Sprintf("{dsn: %q}", backendtest.Postgres(b).PostgresDSN()))
	if err := db.(backends.Migrator).Migrate(ctx, backends.Tables); err != nil {
		b.Fatal(err)
	}
	j, err := journal.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	s := newBehind(keptIn(db, "location", layouts["opensips"]), j, true, 1_000_000)
	const users = 1000
	for i := range users {
		if err := s.Store.Update(ctx, aor(fmt.Sprint(i)), epoch, add("sip:a@192.0.2.1")); err != nil {
			b.Fatal(err)
		}
	}
	for n := 0; b.Loop(); n++ {
		for i := range users {
			s.backlog.add(aor(fmt.Sprint(i)), uint64(n+1), epoch)
		}
		if !s.flush(ctx) {
			b.Fatal("not all is written")
		}
	}
	b.ReportMetric(float64(b.N)*users/b.Elapsed().Seconds(), "bindings/s")
}
