package backendtest

import (
	"log/slog"
	"testing"

	"sipedge/backends"
	"sipedge/schema"
)

// Open opens a backend by settings in YAML, which must pass the driver's schema, and closes it at
// the end of the test. Other finds backends for drivers that use some.
func Open(t testing.TB, d *backends.Driver, settings string,
	other func(string) backends.Backend) backends.Backend {
	t.Helper()
	form := schema.NewForm("\n#Settings: "+d.Schema, "#Settings")
	v, diags := form.Read(d.Name+".yaml", []byte(settings))
	if diags.HasErrors() {
		t.Fatalf("settings of %s: %v", d.Name, diags)
	}
	b, diags := d.Open(&backends.Opening{
		Name: d.Name + "_test", Settings: &v, Folder: t.TempDir(), State: t.TempDir(),
		Log: slog.New(slog.DiscardHandler), Other: other,
	})
	if diags.HasErrors() {
		t.Fatalf("open %s: %v", d.Name, diags)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("close %s: %v", d.Name, err)
		}
	})
	return b
}

// OpenDB is Open for a driver of databases.
func OpenDB(t testing.TB, d *backends.Driver, settings string) backends.DB {
	t.Helper()
	db, ok := Open(t, d, settings, nil).(backends.DB)
	if !ok {
		t.Fatalf("%s is no DB", d.Name)
	}
	return db
}
