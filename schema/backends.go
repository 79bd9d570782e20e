package schema

import "sipedge/schema/internal/source"

// Backends.
const (
	UnknownBackend      = source.UnknownBackend
	UnusedBackend       = source.UnusedBackend
	WrongBackend   Code = 2113 // one that can't do what it is named for
	SilentBackend  Code = 2114 // it does not answer, as `validate --online` finds
	MissingDriver  Code = 2115 // one that this program was built without
)

// Backend is a service that keeps data.
type Backend struct {
	Name     string
	Pos      Pos    // of the name
	Driver   string // its name
	Maker    any    // the Driver's
	Settings *Value // fit the Driver's Schema
}

func lowerBackends(v *Value, drivers []Driver) (list []Backend) {
	for i := range v.Keys {
		k := &v.Keys[i]
		b := Backend{
			Name: k.Name, Pos: k.Pos, Driver: k.Keys[0].Name, Settings: &k.Keys[0].Value,
		}
		for _, d := range drivers {
			if d.Name == b.Driver {
				b.Maker = d.Maker
			}
		}
		list = append(list, b)
	}
	return list
}

// checkBuilt finds backends whose drivers this program was built without.
func checkBuilt(v *Value, drivers []Driver) (diags Diagnostics) {
	for i := range v.Keys {
		k := &v.Keys[i].Keys[0]
		for _, d := range drivers {
			if d.Name == k.Name && d.Tag != "" {
				p := k.Problem(MissingDriver, "this program was built without the driver %s", d.Name)
				p.Hint = "build it with the tag: go build -tags " + d.Tag
				diags = append(diags, p)
			}
		}
	}
	return diags
}
