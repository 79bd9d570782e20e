package poll

// Readiness is what can be done with a socket.
type Readiness uint8

// A connection that has ended is ready for both.
const (
	Read Readiness = 1 << iota
	Write
)

// event is a socket that is ready.
type event struct {
	ID    uint64
	Ready Readiness
}
