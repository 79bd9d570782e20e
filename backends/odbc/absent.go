//go:build !odbc || !cgo

package odbc

import (
	"sipedge/backends"
	"sipedge/schema"
)

// absent is the tag that this program was built without.
const absent = "odbc"

var open func(*backends.Opening) (backends.Backend, schema.Diagnostics)
