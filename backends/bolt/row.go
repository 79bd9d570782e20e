package bolt

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"sipedge/backends"
)

// A row in the file is its values: a byte for the kind, then the length of a text or of bytes and
// what it is of, or a number.
const (
	null byte = iota
	text
	raw
	whole
	real
	moment // Unix seconds
)

func appendRow(b []byte, r backends.Row) []byte {
	for _, v := range r {
		switch v := v.(type) {
		case nil:
			b = append(b, null)
		case string:
			b = append(binary.AppendUvarint(append(b, text), uint64(len(v))), v...)
		case []byte:
			b = append(binary.AppendUvarint(append(b, raw), uint64(len(v))), v...)
		case int64:
			b = binary.AppendVarint(append(b, whole), v)
		case float64:
			b = binary.BigEndian.AppendUint64(append(b, real), math.Float64bits(v))
		case time.Time:
			b = binary.AppendVarint(append(b, moment), v.Unix())
		}
	}
	return b
}

var errRow = errors.New("a row of the file is damaged")

// parseRow reads a row of so many columns. b does not outlive the transaction; the row does.
func parseRow(b []byte, columns int) (backends.Row, error) {
	row := make(backends.Row, columns)
	for i := range row {
		if len(b) == 0 {
			return nil, errRow
		}
		kind := b[0]
		n := 0 // bytes of the value
		switch b = b[1:]; kind {
		case null:
		case text, raw:
			size, head := binary.Uvarint(b)
			if head <= 0 || size > uint64(len(b)-head) {
				return nil, errRow
			}
			n = head + int(size)
			if row[i] = string(b[head:n]); kind == raw {
				row[i] = append([]byte{}, b[head:n]...)
			}
		case whole, moment:
			v, head := binary.Varint(b)
			if head <= 0 {
				return nil, errRow
			}
			n = head
			if row[i] = v; kind == moment {
				row[i] = time.Unix(v, 0).UTC()
			}
		case real:
			if n = 8; len(b) < n {
				return nil, errRow
			}
			row[i] = math.Float64frombits(binary.BigEndian.Uint64(b))
		default:
			return nil, errRow
		}
		b = b[n:]
	}
	if len(b) > 0 {
		return nil, errRow
	}
	return row, nil
}
