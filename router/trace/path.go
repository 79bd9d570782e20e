package trace

import (
	"slices"
	"strconv"

	"sipedge/router/job"
	"sipedge/schema"
)

// PathItem is a rule that matched; of routes that have steps only, the route.
type PathItem struct {
	Type, Route, Name string
	Number            int // from 1
}

// Path is the rules that matched, in order.
func Path(t *job.Trace) (path []PathItem) {
	t.Matched(func(r *job.Run, try *job.Try) {
		if !try.Again {
			path = append(path, PathItem{r.Type, r.Route, try.Name, try.Index + 1})
		}
	})
	return path
}

// Steps reports whether its route has no rules.
func (p PathItem) Steps() bool {
	return p.Type == schema.InStartup.String() || p.Type == schema.InTimer.String()
}

// String is its name, else its route and number; of a route without rules the route.
func (p PathItem) String() string { return p.Names()[0] }

// Names are the ways to name it, String first: late, night/late, night/2.
func (p PathItem) Names() (names []string) {
	if p.Name != "" {
		names = append(names, p.Name, p.Route+"/"+p.Name)
	} else if p.Steps() {
		names = append(names, p.Route)
	}
	return append(names, p.Route+"/"+strconv.Itoa(p.Number))
}

// Is reports whether that is one of its names.
func (p PathItem) Is(name string) bool { return slices.Contains(p.Names(), name) }
