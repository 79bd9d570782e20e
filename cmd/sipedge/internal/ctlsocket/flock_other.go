//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package ctlsocket

// exclusively runs f; two servers that start in the same moment are not kept apart.
func exclusively(_ string, f func() error) error { return f() }

// nobody reports whether an error of a connection means that nobody listens.
func nobody(err error) bool { return err != nil }
