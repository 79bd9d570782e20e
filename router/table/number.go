package table

import (
	"math"

	"sipedge/schema"
)

// numbers matches a number: within one of the bounds.
type numbers []bounds

type bounds struct{ min, max int64 }

func (n numbers) hold(x int64) bool {
	for _, b := range n {
		if b.min <= x && x <= b.max {
			return true
		}
	}
	return false
}

// numbers compiles an #Int.
func (c *compiler) numbers(v *schema.Value) (n numbers) {
	v.Each(func(v *schema.Value) {
		if v.Kind != schema.Map {
			n = append(n, bounds{v.N, v.N})
			return
		}
		b := bounds{math.MinInt64, math.MaxInt64}
		if least := v.Get("min"); least.Kind == schema.Int {
			b.min = least.N
		}
		if most := v.Get("max"); most.Kind == schema.Int {
			b.max = most.N
		}
		if b.min > b.max {
			c.refuse(v, schema.BadValue, "no number is at least %d and at most %d", b.min, b.max)
			return
		}
		n = append(n, b)
	})
	return n
}
