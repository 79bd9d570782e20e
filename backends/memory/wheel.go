package memory

import "time"

// wheel hangs each record into the bucket of a second at or before which it expires. A refresh
// leaves the record where it hangs: when its second has come it is looked at, and hung in again if
// it lives on. So a refresh touches no other record.
type wheel struct {
	now    int64 // every second up to it has been looked at
	hung   int
	bucket [buckets]uint32
}

// buckets are the seconds a record hangs ahead at most.
const buckets = 1 << 10

// hang hangs in a record that hangs nowhere. now begins an empty wheel.
func (sh *shard) hang(i uint32, r *record, now int64) {
	w := &sh.wheel
	if w.hung == 0 {
		w.now = now
	}
	ahead := min(max(second(r.expires)-w.now, 1), buckets-1)
	r.bucket = uint16((w.now + ahead) & (buckets - 1))
	head := &w.bucket[r.bucket]
	if r.later, r.earlier = *head, 0; r.later != 0 {
		sh.records.At(r.later).earlier = i
	}
	*head = i
	w.hung++
}

// second is the first that begins when a time in milliseconds is over.
func second(ms int64) int64 { return ms/1000 + 1 }

func (sh *shard) unhang(r *record) {
	w := &sh.wheel
	if r.later != 0 {
		sh.records.At(r.later).earlier = r.earlier
	}
	if r.earlier != 0 {
		sh.records.At(r.earlier).later = r.later
	} else {
		w.bucket[r.bucket] = r.later
	}
	r.later, r.earlier = 0, 0
	w.hung--
}

// sooner hangs a record anew that may expire before its bucket is looked at.
func (sh *shard) sooner(i uint32, r *record) {
	w := &sh.wheel
	ahead := (int64(r.bucket) - w.now) & (buckets - 1)
	if second(r.expires)-w.now < ahead {
		sh.unhang(r)
		sh.hang(i, r, w.now)
	}
}

// turn looks at the buckets whose second has come, and calls expired for each record that is over.
func (sh *shard) turn(now time.Time, expired func(i uint32, r *record)) {
	w := &sh.wheel
	ms, to := now.UnixMilli(), now.Unix()
	if w.hung == 0 || to <= w.now {
		return
	}
	from := max(w.now+1, to-buckets+1)
	w.now = to
	for s := from; s <= to; s++ {
		i := w.bucket[s&(buckets-1)]
		w.bucket[s&(buckets-1)] = 0
		for i != 0 {
			r := sh.records.At(i)
			next := r.later
			r.later, r.earlier = 0, 0
			w.hung--
			if r.expires > ms {
				sh.hang(i, r, to)
			} else {
				r.bucket = gone
				expired(i, r)
			}
			i = next
		}
	}
}

// gone is the bucket of a record that hangs in none.
const gone = buckets

// due is the next second with something to look at; 0: there is none.
func (w *wheel) due() int64 {
	if w.hung == 0 {
		return 0
	}
	for ahead := int64(1); ahead < buckets; ahead++ {
		if w.bucket[(w.now+ahead)&(buckets-1)] != 0 {
			return w.now + ahead
		}
	}
	return w.now + 1
}
