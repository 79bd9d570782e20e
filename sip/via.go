package sip

import "bytes"

// ViaValue is one Via element, RFC 3261 §20.42. Slices are views.
type ViaValue struct {
	Element   Element
	Transport Transport // NoTransport: a name not known here
	Protocol  []byte    // the transport's name as written
	Host      []byte    // sent-by host; brackets of an IPv6 reference kept off
	Port      uint16    // 0: none
	Branch    []byte    // nil: none
	Received  []byte    // value, brackets kept off; nil: none
	RPort     uint16    // value, 0: none
	HasRPort  bool      // the parameter is there, with or without value (RFC 3581)
	MAddr     []byte
	TTL       []byte
	Params    []byte // from the first ';' on
}

// MagicCookie begins the branch of every RFC 3261 transaction, §8.1.1.7.
const MagicCookie = "z9hG4bK"

// RFC3261 reports whether the branch has the magic cookie and something behind it.
func (v *ViaValue) RFC3261() bool {
	n := len(MagicCookie)
	return len(v.Branch) > n && string(v.Branch[:n]) == MagicCookie
}

// ParseVia reads one Via element. With an error the value still holds what
// was read; it has a Host if the sent-by could be read.
func ParseVia(b []byte) (ViaValue, error) {
	var v ViaValue
	err := v.parse(trim(b))
	if err != nil {
		return v, err
	}
	return v, nil
}

// parse reads sent-protocol LWS sent-by *(SEMI via-params), with white
// space wherever SLASH, COLON, SEMI and EQUAL allow it.
func (v *ViaValue) parse(b []byte) *ParseError {
	ours := true
	if bytes.HasPrefix(b, usualProtocol) {
		b = b[run(b, len(usualProtocol), isLWS):]
	} else {
		var name, version []byte
		name, b = viaToken(b)
		version, b = viaToken(b)
		if len(name) == 0 || len(version) == 0 {
			return errVia
		}
		ours = equalFold(name, "SIP") && string(version) == "2.0"
	}
	n := run(b, 0, isToken)
	v.Protocol, b = b[:n], b[n:]
	n = run(b, 0, isLWS)
	if n == 0 || len(v.Protocol) == 0 {
		return errVia
	}
	v.Transport = LookupTransport(v.Protocol)
	b = b[n:]
	host, port, rest, ok := hostPort(b, longRun(b, 0, isHost), isLWS)
	if !ok {
		return errVia
	}
	params := rest[run(rest, 0, isLWS):]
	if len(params) > 0 && params[0] != ';' {
		return errVia
	}
	v.Host, v.Port = host, port
	if !ours {
		return errVia
	}
	if len(params) > 0 {
		v.Params = params
	}
	return v.params()
}

var usualProtocol = []byte("SIP/2.0/")

// viaToken reads a token and the slash behind it; nil without either.
func viaToken(b []byte) (token, rest []byte) {
	n := run(b, 0, isToken)
	i := run(b, n, isLWS)
	if i == len(b) || b[i] != '/' {
		return nil, b
	}
	return b[:n], b[run(b, i+1, isLWS):]
}

func (v *ViaValue) params() *ParseError {
	for p := NewParams(v.Params); ; {
		name, value, ok := p.Next()
		if p.empty || p.junk {
			return errVia
		}
		if !ok {
			return nil
		}
		twice, bare := false, value == nil
		switch {
		case is(name, "branch"):
			twice = v.Branch != nil
			v.Branch = value
		case is(name, "rport"):
			twice, bare = v.HasRPort, false
			v.HasRPort = true
			port, _ := number(value, 65535)
			v.RPort = uint16(port)
		case is(name, "received"):
			twice = v.Received != nil
			v.Received = unbracket(value)
		case is(name, "maddr"):
			twice = v.MAddr != nil
			v.MAddr = unbracket(value)
		case is(name, "ttl"):
			twice = v.TTL != nil
			v.TTL = value
		default:
			bare = false
		}
		if twice || bare {
			return errVia
		}
	}
}

// trimParams returns the element without its parameters and the white space before them.
func (v *ViaValue) trimParams() []byte {
	return trimRight(v.Element.Value[:len(v.Element.Value)-len(v.Params)])
}
