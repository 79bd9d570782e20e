package mysql

import (
	"fmt"
	"testing"

	"sipedge/backends"
	"sipedge/backends/backendtest"
)

func TestDB(t *testing.T) {
	server := backendtest.MariaDB(t)
	db := backendtest.OpenDB(t, &Driver, fmt.Sprintf(
		"{dsn: %q, timeout: %v, breaker: {rest: 200ms}}", server.MySQLDSN(), backendtest.Patience))
	backendtest.RunDB(t, backendtest.Subject{
		DB: db, Server: server,
		Table: func(t *testing.T, name string) {
			_, err := db.(backends.Querier).Exec(t.Context(), fmt.Sprintf("CREATE TABLE %s (id BIGINT, "+
				"name VARCHAR(255) UNIQUE, body LONGTEXT, raw LONGBLOB, score DOUBLE, at DATETIME) "+
				"CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin", name))
			if err != nil {
				t.Fatal(err)
			}
		},
	})
}

func TestTables(t *testing.T) {
	server := backendtest.MariaDB(t)
	db := backendtest.OpenDB(t, &Driver, fmt.Sprintf("dsn: %q", server.MySQLDSN()))
	backendtest.RunTables(t, db)
}
