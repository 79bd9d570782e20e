// Package bolt is a database in a file without SQL, bbolt: the successor of a Berkeley DB.
// Its one law: the file is safe at every moment; a commit that returned is on the disk.
package bolt

import (
	"path/filepath"

	"sipedge/backends"
	"sipedge/schema"
)

// Driver is the driver of policies.
var Driver = backends.Driver{
	Name: "bolt",
	Doc:  "A database in a file without SQL, as Berkeley DB was; one process at a time has it open.",
	Schema: `{
	// The file; made when it is not there. A relative path begins at the policy.
	file!: #File` + backends.DatabaseCUE + `}`,
	Open: open,
}

func open(o *backends.Opening) (backends.Backend, schema.Diagnostics) {
	file := o.Settings.Get("file").S
	if !filepath.IsAbs(file) {
		file = filepath.Join(o.Folder, file)
	}
	if diags := o.Absent("file", file); diags != nil {
		return nil, diags
	}
	limits := backends.LimitsOf(o.Settings)
	return backends.Guard(o.Name, newStore(file, limits.Timeout), limits), nil
}
