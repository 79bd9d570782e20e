package memory

import (
	"time"

	"sipedge/backends"
	"sipedge/sip/slab"
)

var _ backends.Scanner = (*Store)(nil)

// Scan is backends.Scanner's: it goes by the numbers of records, one shard after the other, since
// a record keeps its number as long as it lives. The lock of a shard is held for one call.
func (s *Store) Scan(
	now time.Time, from uint64, places int, f func(aor []byte, b *backends.Binding),
) (next uint64) {
	at, i := from>>32, uint32(from)
	if at >= slab.Shards {
		return 0
	}
	ms := now.UnixMilli()
	sh := &s.shard[at]
	sh.Lock()
	defer sh.Unlock()
	for ; places > 0; places-- {
		if i = sh.records.Next(i); i == 0 {
			return (at + 1) % slab.Shards << 32
		}
		if r := sh.records.At(i); r.id != 0 && r.expires > ms {
			sh.read(r, &sh.told)
			f(sh.aorOf(r), &sh.told)
		}
	}
	return at<<32 | uint64(i)
}
