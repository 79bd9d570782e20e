// Package flat is files that lines are appended to, as OpenSIPS's db_flatstore writes them.
// Its one law: a line is whole or not there; nobody reads here.
package flat

import (
	"path/filepath"

	"sipedge/backends"
	"sipedge/schema"
)

// Driver is the driver of policies.
var Driver = backends.Driver{
	Name: "flat",
	Doc:  "Rows appended to text files, as OpenSIPS's db_flatstore does; nothing is read.",
	Can:  can,
	Schema: `{
	// The folder of the files. A relative path begins at the policy.
	folder!: #File
	// The name of a file is that of its table with these around: "" and ".log" unless set. %Y, %m,
	// %d, %H and %M are of the local time at each write: "-%Y%m%d.log" begins a file a day.
	prefix?: string
	suffix?: string
	// What stands between fields: | unless set.
	delimiter?: "|" | ";" | ","
	// Whether a write returns when its lines are on the disk, and not before: false unless set.
	sync?: bool` + backends.LimitsCUE + `}`,
	Open: open,
}

func open(o *backends.Opening) (backends.Backend, schema.Diagnostics) {
	folder := o.Settings.Get("folder").S
	if !filepath.IsAbs(folder) {
		folder = filepath.Join(o.Folder, folder)
	}
	s := newStore(folder)
	s.prefix, s.sync = o.Settings.Get("prefix").S, o.Settings.Get("sync").B
	if v := o.Settings.Get("suffix"); v.Kind == schema.String {
		s.suffix = v.S
	}
	if v := o.Settings.Get("delimiter"); v.Kind == schema.String {
		s.delimiter = v.S[0]
	}
	return backends.Guard(o.Name, s, backends.LimitsOf(o.Settings)), nil
}
