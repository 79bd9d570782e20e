package numbers

import (
	"testing"

	"sipedge/schema"
)

func TestSet(t *testing.T) {
	number := func(n int64) schema.Value { return schema.Value{Kind: schema.Int, N: n} }
	bounds := func(keys ...schema.Key) schema.Value {
		return schema.Value{Kind: schema.Map, Keys: keys}
	}
	list := schema.Value{Kind: schema.List, Items: []schema.Value{
		number(5),
		bounds(schema.Key{Name: "min", Value: number(10)}, schema.Key{Name: "max", Value: number(12)}),
		bounds(schema.Key{Name: "max", Value: number(-3)}),
		bounds(schema.Key{Name: "min", Value: number(9)}, schema.Key{Name: "max", Value: number(8)}),
	}}
	var refused []Bounds
	s := Read(&list, func(_ *schema.Value, b Bounds) { refused = append(refused, b) })
	for x, want := range map[int64]bool{
		5: true, 6: false, 9: false, 10: true, 12: true, 13: false, -2: false, -3: true, -99: true,
	} {
		if got := s.Hold(x); got != want {
			t.Errorf("%d: want %v, got %v", x, want, got)
		}
	}
	if len(refused) != 1 || refused[0] != (Bounds{9, 8}) {
		t.Errorf("refused: %v, want the bounds that hold nothing", refused)
	}
}
