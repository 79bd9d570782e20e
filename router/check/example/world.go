package example

import (
	"slices"

	"sipedge/router/check/myself"
	"sipedge/router/check/pattern"
	"sipedge/schema"
	"sipedge/sip"
)

// World is what messages of a policy can be like.
type World struct {
	myself.Ours
	Paths   bool // some of them bring a Path that the policy wrote
	methods []string
	most    int // bytes of a message
	effort  *pattern.Effort
}

// Renew allows for the work of so many searches for texts that are hard to find.
func (w *World) Renew() { w.effort = pattern.NewEffort() }

// Spend takes the work of n literals from what is allowed; false: it is used up.
func (w *World) Spend(n int) bool { return w.effort.Spend(n) }

// NewWorld finds out what they can be like.
func NewWorld(doc *schema.Document) World {
	w := World{
		Ours: myself.Of(doc), most: doc.Limits.Message,
		methods: []string{"INVITE", "MESSAGE", "OPTIONS", "SUBSCRIBE", "REGISTER"},
	}
	w.Renew()
	for m := sip.INVITE; m <= sip.PRACK; m++ {
		if !slices.Contains(w.methods, m.String()) {
			w.methods = append(w.methods, m.String())
		}
	}
	for _, t := range doc.Methods {
		w.methods = append(w.methods, t.S)
	}
	other := "UNHEARDOF" // anybody can make one up
	for slices.Contains(w.methods, other) {
		other += "X"
	}
	w.methods = append(w.methods, other)
	return w
}
