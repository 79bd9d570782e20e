package data

// About is where the rows of a table are from, and how they were read.
type About struct {
	Kind   string // as the policy calls it
	Source string // the path of a file; backend and table of a database; policy; memory, of a cache
	History
}

// About tells of the rows that there are now.
func (t *Table) About() About {
	a := About{Source: "policy"}
	for name, kind := range kinds {
		if kind == t.kind {
			a.Kind = name
		}
	}
	switch {
	case t.cache != nil:
		a.Source = "memory"
	case t.file != nil:
		a.Source = t.file.path
	case t.remote != nil:
		a.Source = t.remote.decl.Backend.S + "/" + t.remote.decl.Table
	}
	a.History = t.now()
	return a
}
