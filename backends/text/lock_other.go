//go:build !unix

package text

// lock is nothing here: programs must not write one folder at the same time.
func lock(string) (unlock func(), err error) { return func() {}, nil }
