package transport

import (
	"sync"

	"sipedge/sip"
)

const (
	// mostNames is how many names are remembered: more than transactions under way lead
	// to, unless somebody makes them up.
	mostNames = 1 << 16
	// numberMask: numbers have 24 bits. One comes again after 16 million others, when no
	// transaction remembers it.
	numberMask = 1<<24 - 1
)

// many numbers names of which there is no end: the oldest makes room.
type many struct {
	mu      sync.Mutex
	last    uint32 // number given
	numbers map[sip.HostName]uint32
	names   []sip.HostName // by number, modulo mostNames
}

// number is that of a name. It is good for half of mostNames names to come.
func (m *many) number(name sip.HostName) uint32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n, known := m.numbers[name]; known && m.age(n) < mostNames/2 {
		return n
	}
	if m.names == nil {
		m.names = make([]sip.HostName, mostNames)
		m.numbers = make(map[sip.HostName]uint32)
	}
	m.last = (m.last + 1) & numberMask
	place := &m.names[m.last%mostNames]
	if n, known := m.numbers[*place]; known && m.age(n) == mostNames {
		delete(m.numbers, *place)
	}
	*place, m.numbers[name] = name, m.last
	return m.last
}

// value is the name of a number, unless too many came after it.
func (m *many) value(n uint32) (name sip.HostName, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.age(n) >= mostNames {
		return name, false
	}
	return m.names[n%mostNames], true
}

// age is how many numbers were given after n.
func (m *many) age(n uint32) uint32 { return (m.last - n) & numberMask }
