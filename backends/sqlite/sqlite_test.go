package sqlite

import (
	"fmt"
	"testing"

	"sipedge/backends"
	"sipedge/backends/backendtest"
)

func TestDB(t *testing.T) {
	db := backendtest.OpenDB(t, &Driver, "file: data ü#?%20.db")
	backendtest.RunDB(t, backendtest.Subject{DB: db, Table: func(t *testing.T, name string) {
		_, err := db.(backends.Querier).Exec(t.Context(), fmt.Sprintf("CREATE TABLE %s (id INTEGER, "+
			"name VARCHAR(255) UNIQUE, body TEXT, raw BLOB, score DOUBLE, at DATETIME)", name))
		if err != nil {
			t.Fatal(err)
		}
	}})
}

func TestTables(t *testing.T) {
	backendtest.RunTables(t, backendtest.OpenDB(t, &Driver, "file: tables.db"))
}
