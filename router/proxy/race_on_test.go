//go:build race

package proxy

// racing: sync.Pool forgets at random, so that allocations cannot be counted.
const racing = true
