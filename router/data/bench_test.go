package data

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkRead reads a CSV file of a million rows.
func BenchmarkRead(b *testing.B) {
	var text bytes.Buffer
	for i := range 1_000_000 {
		fmt.Fprintf(&text, "+49%09d,customer-%d\n", i*977%1_000_000_000, i)
	}
	path := filepath.Join(b.TempDir(), "did.csv")
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	for _, kind := range []Kind{Map, Prefix} {
		b.Run([]string{"set", "map", "prefix"}[kind], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c, _, err := (&file{path: path}).read(kind, nil)
				if err != nil || len(c.rows.entries) != 1_000_000 {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLookup(b *testing.B) {
	c := newContent(Prefix, 0, nil)
	keys := make([][]byte, 1024)
	for i := range 100_000 {
		key := fmt.Appendf(nil, "49%d", i)
		if i < len(keys) {
			keys[i] = append(key, "123"...)
		}
		if err := c.add(Prefix, key, nil); err != nil {
			b.Fatal(err)
		}
	}
	limiter := NewLimiter(Rate{1, time.Second}, 1, 1000, 64)
	cache := newCache(time.Hour, 1000, 64)
	for name, f := range map[string]func(key []byte){
		"prefix":  func(key []byte) { c.find(key) },
		"cache":   func(key []byte) { cache.In(key, now) },
		"limiter": func(key []byte) { limiter.Take(key, now) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := range b.N {
				f(keys[i&1023])
			}
		})
	}
}
