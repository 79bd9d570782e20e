package memory

import (
	"encoding/binary"
	"errors"
	"time"

	"sipedge/backends"
)

// Records of the journal begin with what they are.
const (
	stateEntry   = 1 // the bindings of an address of record, as a change left them
	writtenEntry = 2 // changes that the database has taken
)

// A state is what a stateEntry has.
type state struct {
	number   uint64 // of the change; 0: the database has it
	aor      []byte
	bindings []backends.Binding
}

// errEntry: the record is none of ours, though it is whole.
var errEntry = errors.New("a record of the journal that this program does not know")

func appendState(dst []byte, number uint64, aor []byte, list []backends.Binding) []byte {
	dst = append(dst, stateEntry)
	dst = binary.AppendUvarint(dst, number)
	dst = appendText(dst, aor)
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for i := range list {
		b := &list[i]
		for _, n := range numbers(b) {
			dst = binary.AppendUvarint(dst, n)
		}
		for _, text := range entryTexts(b) {
			dst = appendText(dst, *text)
		}
	}
	return dst
}

func appendText(dst, text []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

// numbers are those of a binding, in their order.
func numbers(b *backends.Binding) [8]uint64 {
	return [...]uint64{
		b.ID, uint64(b.Expires.UnixMilli()), uint64(b.Modified.UnixMilli()), uint64(b.CSeq),
		uint64(b.Q), uint64(b.Flags), uint64(b.Methods), uint64(b.RegID),
	}
}

// entryTexts are the texts of a binding, in their order.
func entryTexts(b *backends.Binding) [8]*[]byte {
	return [...]*[]byte{
		&b.Contact, &b.Received, &b.Path, &b.CallID, &b.UserAgent, &b.Listener, &b.Instance, &b.Attr,
	}
}

// scanner takes a record apart; what is missing is zero, and short is set.
type scanner struct {
	rest  []byte
	short bool
}

func (s *scanner) number() uint64 {
	n, size := binary.Uvarint(s.rest)
	if size <= 0 {
		s.short, s.rest = true, nil
		return 0
	}
	s.rest = s.rest[size:]
	return n
}

func (s *scanner) text() []byte {
	n := s.number()
	if n > uint64(len(s.rest)) {
		s.short, s.rest = true, nil
		return nil
	}
	text := s.rest[:n:n]
	s.rest = s.rest[n:]
	return text
}

// readState reads what follows the first byte of a stateEntry. Texts stand in the record. Bindings
// that ended before now are left out.
func readState(record []byte, now time.Time) (st state, err error) {
	s := scanner{rest: record}
	st.number, st.aor = s.number(), s.text()
	for n := s.number(); n > 0 && !s.short; n-- {
		var v [8]uint64
		for i := range v {
			v[i] = s.number()
		}
		b := backends.Binding{
			ID: v[0], Expires: time.UnixMilli(int64(v[1])).UTC(),
			Modified: time.UnixMilli(int64(v[2])).UTC(), CSeq: uint32(v[3]), Q: int(v[4]),
			Flags: uint32(v[5]), Methods: uint32(v[6]), RegID: uint32(v[7]),
		}
		for _, text := range entryTexts(&b) {
			*text = s.text()
		}
		if b.Expires.After(now) {
			st.bindings = append(st.bindings, b)
		}
	}
	if s.short {
		return st, errEntry
	}
	return st, nil
}

func appendWritten(dst []byte, list []due) []byte {
	dst = append(dst, writtenEntry)
	for _, d := range list {
		dst = appendText(binary.AppendUvarint(dst, d.number), []byte(d.aor))
	}
	return dst
}

// readWritten calls f with each change of a writtenEntry, behind its first byte.
func readWritten(record []byte, f func(number uint64, aor []byte)) error {
	s := scanner{rest: record}
	for len(s.rest) > 0 {
		number, aor := s.number(), s.text()
		if s.short {
			return errEntry
		}
		f(number, aor)
	}
	return nil
}
