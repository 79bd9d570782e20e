package memory

import (
	"fmt"
	"path/filepath"
	"testing"

	"sipedge/backends"
	"sipedge/backends/sqlite"
	"sipedge/schema"
)

// The layouts against a real database: what was kept is loaded by the next process.
func TestThroughSQLite(t *testing.T) {
	settings := fmt.Sprintf("{file: %q}", filepath.Join(t.TempDir(), "x.db"))
	v, diags := schema.ReadData("x.yaml", []byte(settings))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	b, diags := sqlite.Driver.Open(&backends.Opening{Name: "x", Settings: &v, Log: silent})
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	defer b.Close()
	db := b.(backends.DB)
	for as, l := range layouts {
		table := map[string]string{
			"opensips": "location", "opensips_1.6": "location16", "kamailio": "location_kamailio",
		}[as]
		columns := ""
		for _, c := range l.columns {
			switch c {
			case "contact_id", "cseq", "flags", "methods", "reg_id":
				c += " INTEGER"
			case "q":
				c += " REAL"
			case "last_modified":
				c += " DATETIME"
			case "expires":
				c += map[bool]string{true: " DATETIME", false: " INTEGER"}[l.datetime]
			default:
				c += " TEXT"
			}
			columns += ", " + c
		}
		_, err := db.(backends.Querier).Exec(ctx, fmt.Sprintf(
			"CREATE TABLE %s (id INTEGER PRIMARY KEY AUTOINCREMENT%s)", table, columns))
		if err == nil {
			for _, c := range []string{"sip:a@192.0.2.1", "sip:b'\r\n\"@192.0.2.2"} {
				s := newThrough(keptIn(db, table, l))
				if err = s.Load(ctx, epoch); err == nil {
					err = s.Update(ctx, []byte("bob@example.net"), epoch, add(c))
				}
			}
		}
		s := newThrough(keptIn(db, table, l))
		if err == nil {
			err = s.Load(ctx, epoch)
		}
		if got, want := contacts(s), "sip:a@192.0.2.1 sip:b'\r\n\"@192.0.2.2"; err != nil || got != want {
			t.Errorf("%s: %v, got %q", as, err, got)
		}
	}
}
