package edit

import (
	"bytes"

	"sipedge/sip"
)

// SetUser sets the user of the Request-URI; what cannot stand in a user is escaped. It cannot be
// empty.
func SetUser(m *sip.Message, user []byte) error {
	u, err := ruri(m)
	if err != nil {
		return err
	}
	if len(user) == 0 {
		return ErrUser
	}
	s := scratches.Get().(*scratch)
	s.b = appendUser(s.b[:0], user)
	u.User = s.b
	err = setRURI(m, &u)
	scratches.Put(s)
	return err
}

// PrefixUser puts a text before the user of the Request-URI.
func PrefixUser(m *sip.Message, text []byte) error {
	u, err := ruri(m)
	if err != nil {
		return err
	}
	s := scratches.Get().(*scratch)
	s.b = append(appendUser(s.b[:0], text), u.User...)
	if len(s.b) > 0 {
		u.User = s.b
		err = setRURI(m, &u)
	}
	scratches.Put(s)
	return err
}

// StripUser takes n characters off the front of the Request-URI's user, or off its end. It does
// not take them all.
func StripUser(m *sip.Message, n int, tail bool) error {
	u, err := ruri(m)
	if err != nil {
		return err
	}
	if tail {
		n = charCount(u.User) - n
	}
	i := 0 // bytes of the first n characters
	for ; n > 0 && i < len(u.User); n-- {
		i += charLen(u.User[i:])
	}
	switch {
	case n != 0 || !tail && i == len(u.User) || tail && i == 0:
		return ErrShort
	case tail:
		u.User = u.User[:i]
	default:
		u.User = u.User[i:]
	}
	return setRURI(m, &u)
}

// SetNumber makes the user of the Request-URI one that it was before, as it stood there, without
// its first n characters and with a text before the others. One that is empty then is not written,
// unless it was.
func SetNumber(m *sip.Message, user []byte, n int, add []byte) error {
	u, err := ruri(m)
	if err != nil {
		return err
	}
	rest := user
	for ; n > 0 && len(rest) > 0; n-- {
		rest = rest[charLen(rest):]
	}
	if n > 0 || len(user) > 0 && len(add)+len(rest) == 0 {
		return ErrShort
	}
	s := scratches.Get().(*scratch)
	s.b = append(appendUser(s.b[:0], add), rest...)
	if !bytes.Equal(s.b, u.User) {
		u.User = s.b
		err = setRURI(m, &u)
	}
	scratches.Put(s)
	return err
}

// appendUser appends b as the user of a URI: escapes in it stay, what may not
// stand there is escaped.
func appendUser(dst, b []byte) []byte {
	for len(b) > 0 {
		n := charLen(b)
		if n > 1 {
			dst = append(dst, b[:n]...)
		} else {
			dst = sip.AppendUserEscaped(dst, b[:1])
		}
		b = b[n:]
	}
	return dst
}

// charLen is how many bytes the first character of a user takes: three of an escaped one.
func charLen(user []byte) int {
	if user[0] == '%' && len(user) >= 3 && isHex(user[1]) && isHex(user[2]) {
		return 3
	}
	return 1
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

func charCount(user []byte) (n int) {
	for i := 0; i < len(user); i += charLen(user[i:]) {
		n++
	}
	return n
}
