//go:build odbc && cgo

package odbc

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/backends/backendtest"
)

func table(db backends.DB, columns string) func(t *testing.T, name string) {
	return func(t *testing.T, name string) {
		_, err := db.(backends.Querier).Exec(t.Context(), fmt.Sprintf(columns, name))
		if err != nil {
			t.Fatal(err)
		}
	}
}

// libraries are where Debian has drivers.
var libraries = []string{"/usr/lib/*/odbc", "/usr/lib/odbc"}

// sqliteIn are settings for a database in an empty folder, by Debian's driver.
func sqliteIn(t *testing.T, timeout time.Duration) string {
	backendtest.Need(t, "libsqlite3odbc.so", libraries...)
	return fmt.Sprintf("{dialect: sqlite, timeout: %v, "+
		"dsn: 'Driver=SQLite3;Database=%s/data ü.db'}", timeout, t.TempDir())
}

func TestSQLite(t *testing.T) {
	db := backendtest.OpenDB(t, &Driver, sqliteIn(t, backendtest.Patience))
	backendtest.RunDB(t, backendtest.Subject{
		DB: db, Refuses: func(text string) bool { return strings.Contains(text, "\x00") },
		Table: table(db, "CREATE TABLE %s (id INTEGER, name VARCHAR(255) UNIQUE, body TEXT, "+
			"raw BLOB, score DOUBLE, at DATETIME)"),
	})
	table(db, "CREATE TABLE %s (id INTEGER, body TEXT, raw BLOB)")(t, "parts")
	long(t, db)
}

func TestSQLiteTables(t *testing.T) {
	backendtest.RunTables(t, backendtest.OpenDB(t, &Driver, sqliteIn(t, backendtest.Patience)))
}

// mariadb are settings for a server, by Debian's driver. What the driver must not do, the dsn asks
// for: it is not heard.
func mariadb(t *testing.T, s *backendtest.Server, timeout time.Duration) string {
	backendtest.Need(t, "libmaodbc.so", libraries...)
	host, port, _ := strings.Cut(s.Addr, ":")
	return fmt.Sprintf("{dialect: mysql, timeout: %v, breaker: {rest: 200ms}, "+
		"dsn: 'Driver=MariaDB Unicode;Server=%s;Port=%s;Database=sipedge;UID=sipedge;PWD=secret;"+
		"OPTION=0;CHARSET=latin1;READ_TIMEOUT=99'}", timeout, host, port)
}

func TestMariaDB(t *testing.T) {
	server := backendtest.MariaDB(t)
	db := backendtest.OpenDB(t, &Driver, mariadb(t, server, backendtest.Patience))
	backendtest.RunDB(t, backendtest.Subject{
		DB: db, Server: server,
		Table: table(db, "CREATE TABLE %s (id BIGINT, name VARCHAR(255) UNIQUE, body LONGTEXT, "+
			"raw LONGBLOB, score DOUBLE, at DATETIME) CHARACTER SET utf8mb4 "+
			"COLLATE utf8mb4_nopad_bin"),
	})
	table(db, "CREATE TABLE %s (id INTEGER, body LONGTEXT, raw LONGBLOB)")(t, "parts")
	long(t, db)
}

func TestMariaDBTables(t *testing.T) {
	server := backendtest.MariaDB(t)
	backendtest.RunTables(t, backendtest.OpenDB(t, &Driver, mariadb(t, server, backendtest.Patience)))
}
