package memory

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/backends/backendtest"
	"sipedge/backends/sqlite"
)

// BenchmarkLoad loads 100,000 bindings from a file of SQLite.
func BenchmarkLoad(b *testing.B) {
	const bindings = 100_000
	db := backendtest.OpenDB(b, &sqlite.Driver,
		fmt.Sprintf("{file: %q, timeout: 1m}", filepath.Join(b.TempDir(), "x.db")))
	if err := db.(backends.Migrator).Migrate(ctx, backends.Tables); err != nil {
		b.Fatal(err)
	}
	l := layouts["opensips"]
	var list []backends.Row
	for i := range bindings {
		var set backends.Set
		add("sip:a@192.0.2.1:5060")(&set)
		set.Bindings[0].ID = newID()
		var row backends.Row
		for _, c := range l.row(aor(fmt.Sprintf("user%d", i)), &set.Bindings[0]) {
			row = append(row, c.Value)
		}
		list = append(list, row)
	}
	if err := db.Insert(ctx, "location", l.columns, list...); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		k := keptIn(db, "location", l)
		if err := k.read(ctx, epoch); err != nil || k.Len() != bindings {
			b.Fatalf("%v, %d", err, k.Len())
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/bindings*float64(time.Second), "ns/binding")
}
