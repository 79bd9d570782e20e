package job

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// value is one of the model.
type value struct {
	n    int64
	text string
}

// A store is stacks by slot, whatever is done to it in whatever order.
func TestValuesAreStacks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var v Values
		v.Scope = t
		model := make([][]value, 4) // newest last
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			slot := rapid.IntRange(0, 3).Draw(t, "slot")
			val := value{
				rapid.Int64().Draw(t, "n"),
				string(rapid.SliceOfN(rapid.Byte(), 0, 90).Draw(t, "text")),
			}
			switch rapid.IntRange(0, 9).Draw(t, "do") {
			case 0:
				v.Reset()
				v.Scope = t
				model = make([][]value, 4)
			case 1:
				v.Unset(slot)
				model[slot] = nil
			case 2, 3:
				v.Pop(slot)
				model[slot] = model[slot][:max(len(model[slot])-1, 0)]
			case 4, 5:
				if !v.Set(slot, val.n, []byte(val.text)) {
					t.Fatal("no room for one value")
				}
				model[slot] = []value{val}
			default:
				ok := v.Push(slot, val.n, []byte(val.text))
				if want := len(model[slot]) < MaxDepth; ok != want {
					t.Fatalf("push: want %t, got %t", want, ok)
				}
				if ok {
					model[slot] = append(slices.Clip(model[slot]), val)
				}
			}
			same(t, &v, model)
		}
	})
}

func same(t *rapid.T, v *Values, model [][]value) {
	for slot, want := range model {
		if got := v.Depth(slot); got != len(want) {
			t.Fatalf("slot %d: want %d values, got %d", slot, len(want), got)
		}
		for depth := range len(want) + 1 {
			n, ok := v.Int(slot, depth)
			text, _ := v.Text(slot, depth)
			if ok != (depth < len(want)) {
				t.Fatalf("slot %d, depth %d: set is %t", slot, depth, ok)
			}
			if !ok {
				continue
			}
			got := value{n, string(text)}
			if w := want[len(want)-1-depth]; got != w {
				t.Fatalf("slot %d, depth %d: want %+v, got %+v", slot, depth, w, got)
			}
		}
	}
}

func TestValuesAreBounded(t *testing.T) {
	var v Values
	pushed := 0
	for range 10 * MaxDepth {
		if v.Push(0, 1, []byte("x")) {
			pushed++
		}
	}
	if pushed != MaxDepth {
		t.Errorf("want %d values, got %d", MaxDepth, pushed)
	}
	big := bytes.Repeat([]byte("y"), maxText/4)
	for range 1000 {
		v.Set(1, 0, big)
		v.Push(1, 0, big)
		v.Push(1, 0, big)
	}
	if v.Push(1, 0, big) || v.Depth(1) != 3 {
		t.Errorf("more than %d bytes: %d values", maxText, v.Depth(1))
	}
	if total := cap(v.text) + cap(v.spare); total > 8*maxText {
		t.Errorf("%d bytes for at most %d", total, maxText)
	}
}

// What a store held is nowhere in its memory after Reset.
func TestResetClearsMemory(t *testing.T) {
	secret := []byte("secret")
	var v Values
	v.Scope = t
	for i := range 40 {
		v.Push(i%3, 4711, fmt.Appendf(nil, "%s%d", secret, i))
	}
	for range 30 {
		v.Pop(0)
		v.Set(1, 4711, secret)
	}
	v.Reset()
	for _, b := range [][]byte{v.text[:cap(v.text)], v.spare[:cap(v.spare)]} {
		if bytes.Contains(b, []byte("s")) {
			t.Errorf("left behind: %q", b)
		}
	}
	for _, c := range v.cells[:cap(v.cells)] {
		if c != (cell{}) {
			t.Errorf("left behind: %+v", c)
		}
	}
	for _, s := range v.stacks[:cap(v.stacks)] {
		if s != (stack{}) {
			t.Errorf("left behind: %+v", s)
		}
	}
	if v.Scope != nil || v.live != 0 || v.free != 0 {
		t.Errorf("left behind: %+v", v)
	}
}

func TestValuesAllocateNothing(t *testing.T) {
	var v Values
	text := []byte("sip:alice@example.net")
	n := testing.AllocsPerRun(1000, func() {
		v.Scope = t
		v.Set(0, 1, text)
		v.Push(1, 2, text)
		v.Push(1, 3, text)
		v.Set(0, 4, text)
		v.Pop(1)
		v.Reset()
	})
	if n != 0 {
		t.Errorf("want 0 allocations, got %v", n)
	}
}
