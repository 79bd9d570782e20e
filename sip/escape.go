package sip

const upperHex = "0123456789ABCDEF"

// AppendUnescaped appends b with %HH decoded, for comparison (never for the wire).
func AppendUnescaped(dst, b []byte) []byte {
	for i := 0; i < len(b); {
		if c, ok := escaped(b, i); ok {
			dst = append(dst, c)
			i += 3
		} else {
			dst = append(dst, b[i])
			i++
		}
	}
	return dst
}

// AppendUserEscaped appends b escaped as the user part of a sip URI.
func AppendUserEscaped(dst, b []byte) []byte {
	for _, c := range b {
		if class[c]&isUser != 0 {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return dst
}

// escaped decodes the %HH at b[i:], if there is one.
func escaped[T text](b T, i int) (byte, bool) {
	if b[i] != '%' || i+2 >= len(b) || class[b[i+1]]&class[b[i+2]]&isHex == 0 {
		return 0, false
	}
	return byte(hexValue(b[i+1])<<4 | hexValue(b[i+2])), true
}

// unit is the next character of b[i:] for comparison and the index behind
// it. An escaped character is itself, but for the reserved ones, which
// differ from their unescaped form (RFC 3261 §19.1.4).
func unit[T text](b T, i int, fold bool) (c uint16, next int) {
	x, next := b[i], i+1
	var reserved uint16
	if e, ok := escaped(b, i); ok {
		x, next = e, i+3
		if class[x]&isReserved != 0 {
			reserved = 0x100
		}
	}
	if fold {
		x = lower[x]
	}
	return reserved | uint16(x), next
}

// equalEscaped compares a and b seeing through escapes, without regard to case if fold.
func equalEscaped[A, B text](a A, b B, fold bool) bool {
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		var x, y uint16
		x, i = unit(a, i, fold)
		y, j = unit(b, j, fold)
		if x != y {
			return false
		}
	}
	return i == len(a) && j == len(b)
}
