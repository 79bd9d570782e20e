// Package odbc is a database behind a driver of unixODBC, in programs built with the tag odbc.
// Its one law: the driver is somebody else's; what it does late or never costs one connection.
package odbc

import (
	"sipedge/backends"
)

// Driver is the driver of policies. It is known by name in every build.
var Driver = backends.Driver{
	Name: "odbc",
	Doc:  "MySQL, MariaDB or SQLite by a driver of unixODBC.",
	Tag:  absent,
	Schema: `{
	// A data source of odbc.ini, "people", or a connection string,
	// "Driver=MariaDB Unicode;Server=db.example.net;Database=sip;UID=sipedge;PWD=…".
	dsn!: #SecretText
	// Whose SQL the database behind it speaks.
	dialect!: "mysql" | "sqlite"` + backends.DatabaseCUE + `}`,
	Open: open,
}
