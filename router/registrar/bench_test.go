package registrar

import (
	"context"
	"fmt"
	"testing"
	"time"

	"sipedge/backends"
	"sipedge/backends/memory"
)

// BenchmarkSave is a refresh from the parsed message to the lines of its answer.
func BenchmarkSave(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			store := memory.New(backends.Names{})
			rules := &Rules{Max: time.Hour, Default: time.Hour}
			j := register(b, "a", 1, "Contact: <sip:bob@198.51.100.7:5060>;expires=600")
			aors := make([][]byte, n)
			for i := range aors {
				aors[i] = fmt.Appendf(nil, "user%07d@example.net", i*7919%n)
			}
			save := func(i int, now time.Time) {
				r := Read(j, rules, now)
				_ = store.Update(context.Background(), aors[i%n], now, r)
				if r.Status != 200 {
					b.Fatal(r.Status, r.Reason)
				}
				r.Free()
			}
			for i := range aors {
				save(i, epoch)
			}
			j = register(b, "a", 2, "Contact: <sip:bob@198.51.100.7:5060>;expires=600")
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				save(i, epoch.Add(time.Second))
			}
		})
	}
}
