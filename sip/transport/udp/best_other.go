//go:build !linux || portable

package udp

// openBest is an opener: the portable one, also where the build tag portable asks for it.
var openBest = openNet
