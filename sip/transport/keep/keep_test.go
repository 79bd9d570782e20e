package keep

import (
	"runtime"
	"testing"
)

// One processor is left to others, and what was given back is lent again.
func TestOneIsLeft(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	var a, b, c Keeper
	a.Take()
	a.Take() // has it
	b.Take()
	c.Take()
	if !a.Holds() || !b.Holds() || c.Holds() {
		t.Fatalf("of 3 processors they hold: %t %t %t", a.Holds(), b.Holds(), c.Holds())
	}
	a.GiveBack()
	a.GiveBack() // had none
	if c.Take(); a.Holds() || !c.Holds() {
		t.Fatalf("after one gave back: %t, %t", a.Holds(), c.Holds())
	}
	b.GiveBack()
	c.GiveBack()
	if n := Lent(); n != 0 {
		t.Errorf("%d are lent to nobody", n)
	}
}

func TestQuietGivesBack(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	var k Keeper
	k.Take()
	for range quietAfter - 1 {
		k.Interrupted()
	}
	k.Came()
	for range quietAfter - 1 {
		k.Interrupted()
	}
	if !k.Holds() {
		t.Fatal("given back though something came")
	}
	if k.Interrupted(); k.Holds() {
		t.Error("kept though nothing came")
	}
}

// With fewer processors than before, one is given back.
func TestFewerProcessors(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	var a, b Keeper
	a.Take()
	b.Take()
	runtime.GOMAXPROCS(2)
	for range 2 {
		a.Interrupted()
		b.Interrupted()
	}
	if Lent() != 1 {
		t.Errorf("%d of 2 are lent", Lent())
	}
	a.GiveBack()
	b.GiveBack()
}
