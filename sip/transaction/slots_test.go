package transaction

import (
	"reflect"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

func TestSlotSize(t *testing.T) {
	if got := unsafe.Sizeof(slot{}); got != 128 {
		t.Errorf("a slot is %d bytes, want two cache lines", got)
	}
}

// The collector finds nothing to scan in a page of slots.
func TestSlotHasNoPointers(t *testing.T) {
	var check func(name string, typ reflect.Type)
	check = func(name string, typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Struct:
			for i := range typ.NumField() {
				check(name+"."+typ.Field(i).Name, typ.Field(i).Type)
			}
		case reflect.Array:
			check(name+"[]", typ.Elem())
		case reflect.Pointer, reflect.Slice, reflect.String, reflect.Map, reflect.Interface,
			reflect.Func, reflect.Chan, reflect.UnsafePointer:
			t.Errorf("%s is a %v", name, typ)
		}
	}
	check("slot", reflect.TypeFor[slot]())
}

func TestHandle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gen := rapid.Uint32().Draw(t, "gen")
		shard := rapid.Uint32Range(0, shards-1).Draw(t, "shard")
		i := rapid.Uint32Range(0, maxSlot).Draw(t, "slot")
		g, s, j := splitHandle(packHandle(gen, shard, i))
		if g != gen || s != shard || j != i {
			t.Fatalf("%x %x %x became %x %x %x", gen, shard, i, g, s, j)
		}
	})
}
