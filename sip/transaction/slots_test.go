package transaction

import (
	"testing"
	"unsafe"
)

func TestSlotSize(t *testing.T) {
	if got := unsafe.Sizeof(slot{}); got != 128 {
		t.Errorf("a slot is %d bytes, want two cache lines", got)
	}
}
