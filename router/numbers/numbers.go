// Package numbers is the numbers a policy names, one by one or by their bounds. Its one law: bounds
// are part of what they bound.
package numbers

import (
	"math"

	"sipedge/schema"
)

// Set is numbers: those within one of its bounds.
type Set []Bounds

// Bounds are the least and the most number of some.
type Bounds struct{ Min, Max int64 }

// Hold reports whether x is one of the numbers.
func (s Set) Hold(x int64) bool {
	for _, b := range s {
		if b.Min <= x && x <= b.Max {
			return true
		}
	}
	return false
}

// Read makes a Set of an #Int that passed its schema. Bounds that hold no number go to refuse.
func Read(v *schema.Value, refuse func(*schema.Value, Bounds)) (s Set) {
	v.Each(func(v *schema.Value) {
		if v.Kind != schema.Map {
			s = append(s, Bounds{v.N, v.N})
			return
		}
		b := Bounds{math.MinInt64, math.MaxInt64}
		if least := v.Get("min"); least.Kind == schema.Int {
			b.Min = least.N
		}
		if most := v.Get("max"); most.Kind == schema.Int {
			b.Max = most.N
		}
		if b.Min > b.Max {
			refuse(v, b)
			return
		}
		s = append(s, b)
	})
	return s
}
