// Package keep lends processors to goroutines that wait in the kernel without a word to Go's
// scheduler: telling it costs more than the message that ends the wait. Who works beside them
// gives way.
// Its one law: one processor at least is left to everybody else.
package keep

import (
	"runtime"
	"sync/atomic"
)

// quietAfter is how many interruptions without anything between them, about 10 ms each, end a loan.
const quietAfter = 10

// lent counts the processors of this process that are.
var lent atomic.Int32

// Lent is how many processors are.
func Lent() int { return int(lent.Load()) }

// Keeper is what one goroutine has of it. While it Holds a processor it waits by a raw system
// call, which signals interrupt: by these the scheduler says that it wants something.
// The zero value holds none.
type Keeper struct {
	holds bool
	quiet int // interruptions since something came
}

// Holds reports whether a processor is kept.
func (k *Keeper) Holds() bool { return k.holds }

// Take asks for a processor, as there is traffic: there may be none.
func (k *Keeper) Take() {
	k.quiet = 0
	for most := int32(runtime.GOMAXPROCS(0)) - 1; !k.holds; {
		n := lent.Load()
		if n >= most {
			return
		}
		k.holds = lent.CompareAndSwap(n, n+1)
	}
}

// Came says that the wait had a result.
func (k *Keeper) Came() { k.quiet = 0 }

// Interrupted does what the scheduler wants of the goroutine. The processor is given back when
// nothing has come for a while, and when Go has fewer than it had.
func (k *Keeper) Interrupted() {
	if k.quiet++; k.quiet == quietAfter || Lent() >= runtime.GOMAXPROCS(0) {
		k.GiveBack()
	}
	runtime.Gosched()
}

// GiveBack ends the loan, if there is one.
func (k *Keeper) GiveBack() {
	if k.holds {
		k.holds = false
		lent.Add(-1)
	}
}
