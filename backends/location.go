package backends

import (
	"bytes"
	"context"
	"time"
)

// Binding is one of an address of record to a contact, RFC 3261 §10, as the location table has it.
type Binding struct {
	ID        uint64 // of the store, for as long as the binding lives; 0: it is not kept yet
	Contact   []byte // URI
	Received  []byte // URI it came from, when another than Contact leads there; or empty
	Path      []byte // value of Path, RFC 3327; or empty
	CallID    []byte
	CSeq      uint32
	Q         int       // 0–1000
	Expires   time.Time // to the millisecond
	Modified  time.Time // to the millisecond
	Flags     uint32
	UserAgent []byte
	Listener  []byte // it came by: "udp:192.0.2.1:5060"
	Methods   uint32 // bit m: the contact allows sip.Method m; 0: not told
	Instance  []byte // +sip.instance, RFC 5626; or empty
	RegID     uint32
	Attr      []byte // of the policy
}

// MaxBindingText is how much text the fields of a binding may have together, its address of record
// included.
const MaxBindingText = 16 << 10

// Locations keeps the bindings of addresses of record. It is safe for concurrent use.
type Locations interface {
	// Traits do not change.
	Traits() Traits
	// Update has c change the bindings of aor. Nobody else reads or changes them meanwhile, and
	// what c did is kept whole or not at all: then there is an error.
	Update(ctx context.Context, aor []byte, now time.Time, c Change) error
	// Lookup makes s the bindings of aor that live at now, the first kept first; none is no error.
	Lookup(ctx context.Context, aor []byte, now time.Time, s *Set) error
	// All calls f with the bindings that live at now of each address of record, in any order, until
	// it returns false. Neither lives on when f has returned. What changes meanwhile may be missed.
	All(ctx context.Context, now time.Time, f func(aor []byte, s *Set) bool) error
	// Watch has f called for each change from now on, those of an address of record in their order.
	// f is quick and calls no method of the store.
	Watch(f func(Event))
	// Advance forgets what expired, and returns when it must be called again; zero: when something
	// was kept that ends.
	Advance(now time.Time) (next time.Time)
}

// Scanner is a store that has its bindings in memory, to be gone through by and by.
type Scanner interface {
	// Len counts the bindings.
	Len() int
	// Scan calls f with bindings that live at now, after looking at so many places at most, and
	// returns where to go on; 0: that was the last. It begins at 0. By the last it has come by each
	// binding that was there all the time, and by none twice. What f gets does not live on, and f
	// is quick and calls no method of the store.
	Scan(now time.Time, from uint64, places int, f func(aor []byte, b *Binding)) (next uint64)
}

// Loader is a store that has bindings from before it began. Load comes before the first Update.
type Loader interface {
	// Load reads those that live at now. It may leave them to be read later; an error says that
	// there is no use in starting.
	Load(ctx context.Context, now time.Time) error
	// Loaded reports whether they are read: until then its other methods return ErrUnavailable.
	Loaded() bool
}

// Traits are what the users of a store have to know.
type Traits struct {
	// Update, or Lookup and All, may wait for others. Else they return at once, whatever the context
	// says.
	UpdateWaits, LookupWaits bool

	Names Names
}

// Change is what is done to the bindings of an address of record.
type Change interface {
	// Apply makes s, the bindings that live, what they are to be, and reports whether that is
	// another thing. A binding it leaves or overwrites keeps its ID; a new one has none. The texts
	// of s do not live on. Apply may be called again, when somebody else was faster.
	Apply(s *Set) (changed bool)
}

// Event is a change of one binding.
type Event struct {
	Kind    EventKind
	AOR     []byte
	Binding *Binding // as it is now; one that is gone, as it was. Neither lives on.
}

// EventKind is what happened to a binding.
type EventKind uint8

const (
	Inserted EventKind = iota
	Updated
	Removed
	Expired
)

// Set is bindings with memory for their texts. It is for one goroutine, and for reuse.
type Set struct {
	Bindings []Binding
	text     []byte
}

// Reset makes the set empty; it keeps its memory.
func (s *Set) Reset() { s.Bindings, s.text = s.Bindings[:0], s.text[:0] }

// Keep copies b to where it lives until Reset.
func (s *Set) Keep(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	if len(b) > cap(s.text)-len(s.text) {
		s.text = make([]byte, 0, max(512, 2*cap(s.text), len(b))) // earlier copies keep the old one
	}
	n := len(s.text)
	s.text = append(s.text, b...)
	return s.text[n:len(s.text):len(s.text)]
}

// Add adds a copy of b.
func (s *Set) Add(b *Binding) {
	c := *b
	for _, text := range c.texts() {
		*text = s.Keep(*text)
	}
	s.Bindings = append(s.Bindings, c)
}

// Len is how much text the binding has, in bytes.
func (b *Binding) Len() (n int) {
	for _, text := range b.texts() {
		n += len(*text)
	}
	return n
}

// Equal reports whether nothing of two bindings differs.
func (b *Binding) Equal(o Binding) bool {
	mine, theirs := b.texts(), o.texts()
	for i := range mine {
		if !bytes.Equal(*mine[i], *theirs[i]) {
			return false
		}
	}
	return b.ID == o.ID && b.CSeq == o.CSeq && b.Q == o.Q && b.Flags == o.Flags &&
		b.Methods == o.Methods && b.RegID == o.RegID &&
		b.Expires.Equal(o.Expires) && b.Modified.Equal(o.Modified)
}

func (b *Binding) texts() [8]*[]byte {
	return [...]*[]byte{
		&b.Contact, &b.Received, &b.Path, &b.CallID, &b.UserAgent, &b.Listener, &b.Instance, &b.Attr,
	}
}
