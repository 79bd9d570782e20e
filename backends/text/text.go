// Package text is a folder of text files, the tables of OpenSIPS's and Kamailio's db_text.
// Its one law: a file is whole at every moment; a change that returned is on the disk.
package text

import (
	"path/filepath"
	"strings"

	"sipedge/backends"
	"sipedge/schema"
)

// Driver is the driver of policies.
var Driver = backends.Driver{
	Name: "text",
	Doc:  "Tables in text files, as OpenSIPS's db_text has them.",
	Schema: `{
	// The folder; a table is the file of its name in it. A relative path begins at the policy.
	folder!: #File
	// Columns that together are in one row alone, by table. Those of tables that sipedge makes
	// are known.
	unique?: [=~"."]: [...[...=~"."]]` + backends.DatabaseCUE + `}`,
	Open: open,
}

func open(o *backends.Opening) (backends.Backend, schema.Diagnostics) {
	folder := o.Settings.Get("folder").S
	if !filepath.IsAbs(folder) {
		folder = filepath.Join(o.Folder, folder)
	}
	limits := backends.LimitsOf(o.Settings)
	s := &store{folder: folder, log: o.Log, unique: map[string][][]string{},
		tables: map[string]*cached{}}
	for _, t := range backends.Tables {
		s.unique[t.Name] = t.Unique
	}
	for _, k := range o.Settings.Get("unique").Keys {
		var all [][]string
		for _, group := range k.Value.Items {
			var names []string
			for _, n := range group.Items {
				names = append(names, n.S)
			}
			all = append(all, names)
		}
		s.unique[k.Name] = all
	}
	return backends.Guard(o.Name, s, limits), nil
}

// path is the file of a table; ok false: no table has such a name.
func (s *store) path(table string) (path string, ok bool) {
	if table == "" || table[0] == '.' || strings.ContainsAny(table, "/\\\x00") {
		return "", false
	}
	return filepath.Join(s.folder, table), true
}
