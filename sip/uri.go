package sip

import "net/netip"

// Scheme of a URI.
type Scheme uint8

const (
	SchemeOther Scheme = iota
	SIP
	SIPS
	Tel
)

// URI is a parsed sip, sips or tel URI (RFC 3261 §19.1, RFC 3966). Slices
// are views of what was parsed, still escaped. Of a URI of another scheme only Raw and SchemeName
// are set.
type URI struct {
	Raw        []byte
	Scheme     Scheme
	SchemeName []byte
	User       []byte // of tel: the number; nil: no userinfo
	Password   []byte
	Host       []byte // brackets of an IPv6 reference kept off
	Port       uint16 // 0: none
	Params     []byte // from the first ';' on, up to '?'
	Headers    []byte // behind '?'
}

// ParseURI reads a whole URI. Errors are *ParseError.
func ParseURI(b []byte) (URI, error) { panic("contract") }

// Param returns the value of a URI parameter; ok without a value: "lr".
func (u *URI) Param(name string) (value []byte, ok bool) { panic("contract") }

// Transport is the transport parameter's; NoTransport when absent or unknown.
func (u *URI) Transport() Transport { panic("contract") }

// Addr is the host as an IP address, if it is one.
func (u *URI) Addr() (netip.Addr, bool) { panic("contract") }

// Equal compares by RFC 3261 §19.1.4 (sip, sips) or RFC 3966 §4 (tel); other schemes bytewise.
func (u *URI) Equal(v *URI) bool { panic("contract") }

// AppendTo writes the URI from its parts (Raw for other schemes). The parts may have been changed.
func (u *URI) AppendTo(dst []byte) []byte { panic("contract") }

// AppendUnescaped appends b with %HH decoded, for comparison (never for the wire).
func AppendUnescaped(dst, b []byte) []byte { panic("contract") }

// AppendUserEscaped appends b escaped as the user part of a sip URI.
func AppendUserEscaped(dst, b []byte) []byte { panic("contract") }
