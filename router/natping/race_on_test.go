//go:build race

package natping

// racing: sync.Pool forgets at random: allocations cannot be counted.
const racing = true
