package backends

import (
	"bytes"

	"sipedge/sip"
)

// Names is how URIs become addresses of record: what is written alike is kept as one. It is of
// the store, so that all who use one agree.
type Names struct {
	UserOnly   bool // the domain does not count: users of all domains are the same
	IgnoreCase bool // letters of the user match without regard to case
}

// Longest parts of an address of record, as the tables have them.
const (
	MaxUser   = 64
	MaxDomain = 255
)

// AppendAOR appends the address of record that a URI stands for: user@host, the user unescaped,
// the host in lower case without its last dot; of a tel URI the number without visual separators.
// ok false: it stands for none, or for one that is too long, or has control characters.
func (n Names) AppendAOR(dst []byte, u *sip.URI) (aor []byte, ok bool) {
	from := len(dst)
	switch u.Scheme {
	case sip.SIP, sip.SIPS:
		dst = sip.AppendUnescaped(dst, u.User)
	case sip.Tel:
		for _, c := range u.User {
			if bytes.IndexByte(separators, c) < 0 {
				dst = append(dst, c)
			}
		}
	default:
		return dst, false
	}
	user := dst[from:]
	if len(user) > MaxUser || n.UserOnly && len(user) == 0 || hasControl(user) {
		return dst[:from], false
	}
	if n.IgnoreCase {
		sip.AppendLower(user[:0], user)
	}
	if n.UserOnly || u.Scheme == sip.Tel {
		return dst, len(user) > 0
	}
	host := bytes.TrimSuffix(u.Host, dot)
	if len(host) == 0 || len(host) > MaxDomain {
		return dst[:from], false
	}
	if len(user) > 0 {
		dst = append(dst, '@')
	}
	if a, isAddr := sip.ParseAddr(host); isAddr {
		return a.Unmap().AppendTo(dst), true
	}
	return sip.AppendLower(dst, host), true
}

var (
	separators = []byte("-.()")
	dot        = []byte(".")
)

func hasControl(b []byte) bool {
	return bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' || r == 0x7f })
}
