// Package sqlite is the database in a file, the default where nothing else is there.
// Its one law: the file is safe at every moment; a commit that returned is on the disk.
package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"

	"sipedge/backends"
	"sipedge/backends/sqlstore"
	"sipedge/schema"
)

// Driver is the driver of policies.
var Driver = backends.Driver{
	Name: "sqlite",
	Doc:  "A database in a file, SQLite.",
	Schema: `{
	// The file; made when it is not there. A relative path begins at the policy.
	file!: #File` + backends.DatabaseCUE + `}`,
	Open: open,
}

const mode = 0o600 // of a new file: there are passwords in it

func open(o *backends.Opening) (backends.Backend, schema.Diagnostics) {
	file := o.Settings.Get("file").S
	if !filepath.IsAbs(file) {
		file = filepath.Join(o.Folder, file)
	}
	if diags := o.Absent("file", file); diags != nil {
		return nil, diags
	}
	if !o.Look {
		create(file)
	}
	limits := backends.LimitsOf(o.Settings)
	c, err := sqlite.NewConnector(dataSource(file, limits, o.Look))
	if err != nil {
		return nil, schema.Diagnostics{o.Settings.Get("file").Problem(schema.BadValue,
			"%v", err)}
	}
	if !o.Look {
		begin(c, limits.Timeout)
	}
	return backends.Guard(o.Name, sqlstore.New(c, dialect, limits), limits), nil
}

// create makes a file that is not there. One that is there is left alone: to close it would end
// this process's locks on it.
func create(file string) {
	if f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_RDWR, mode); err == nil {
		f.Close()
	}
}

// begin makes a connection before there are several: the first of a new file changes its journal,
// which it can do alone only. What keeps it from that, whoever comes next is told.
func begin(c driver.Connector, timeout time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if conn, err := c.Connect(ctx); err == nil {
		_ = conn.Close()
	}
}

// dataSource names a file with its pragmas. Readers don't wait for the one who writes, who takes
// the lock at the beginning of a transaction; waits are shorter than a call. Who looks only leaves
// the journal of the file as it is.
func dataSource(file string, limits backends.Limits, look bool) string {
	pragmas := []string{
		fmt.Sprintf("busy_timeout(%d)", limits.Timeout.Milliseconds()),
		"synchronous(FULL)",
		"foreign_keys(1)",
	}
	if !look {
		pragmas = append(pragmas, "journal_mode(WAL)")
	}
	q := url.Values{"_txlock": {"immediate"}, "_pragma": pragmas}
	return (&url.URL{Scheme: "file", Opaque: url.PathEscape(file), RawQuery: q.Encode()}).String()
}

var dialect = sqlstore.SQLite(func(err error) (int, bool) {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return 0, false
	}
	return e.Code(), true
})
