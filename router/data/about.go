package data

import "time"

// About is where the rows of a table are from, and how old they are.
type About struct {
	Kind    string    // as the policy calls it
	Source  string    // the path of a file; policy; memory, of a cache
	At      time.Time // when the rows were read; zero of a cache
	Version uint64    // how often they were read since the start; 0 of a cache
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
		return a
	case t.file != nil:
		a.Source = t.file.path
	}
	c := t.content.Load()
	a.At, a.Version = c.at, c.version
	return a
}

// put makes c the content of a table, after that of old, which may be nil.
func (t *Table) put(c *content, old *Table) {
	c.version = 1
	if old != nil {
		if before := old.content.Load(); before != nil {
			c.version += before.version
		}
	}
	t.content.Store(c)
}
