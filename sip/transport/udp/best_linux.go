//go:build linux && !portable

package udp

// openBest is an opener.
var openBest = openMany
