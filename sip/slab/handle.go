package slab

// Shards is into how many parts, each under a lock of its own, the users of slabs split what
// they keep.
const (
	Shards    = 1 << ShardBits
	ShardBits = 4

	slotBits = 32 - ShardBits
)

// Handle names an item: the shard's generation, which counts its items, the shard and the number
// in Slots. A stale one so meets another item only when 2^32 items of its shard lie between.
func Handle(gen, shard, i uint32) uint64 {
	return uint64(gen)<<32 | uint64(shard)<<slotBits | uint64(i)
}

// SplitHandle takes a Handle apart.
func SplitHandle(h uint64) (gen, shard, i uint32) {
	return uint32(h >> 32), uint32(h) >> slotBits, uint32(h) & (1<<slotBits - 1)
}
