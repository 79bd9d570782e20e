package sip

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
	received  span   // where in Params it is
	rport     span   // where in Params it is
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

// plain reads the element at the front of b if it is as nearly all are:
// "SIP/2.0/UDP host:port;name=word;name", with no white space but one. size
// is the element's; 0: parse must read it.
func (v *ViaValue) plain(b []byte) (size int) {
	i := len(usualProtocol)
	if len(b) < i || string(b[:i]) != usualProtocol {
		return 0
	}
	end := run(b, i, isToken)
	if end == i || end == len(b) || b[end] != ' ' {
		return 0
	}
	v.Protocol = b[i:end]
	v.Transport = LookupTransport(v.Protocol)
	i = end + 1
	if end = longRun(b, i, isHost); end == i {
		return 0
	}
	v.Host = b[i:end]
	if i = end; i < len(b) && b[i] == ':' {
		var port uint64
		if port, i = digits(b, i+1); port == 0 || port > 65535 {
			return 0
		}
		v.Port = uint16(port)
	}
	params := i
	for i < len(b) && b[i] == ';' {
		start := i
		end := start + len(";branch")
		if len(b) <= end || string(b[start:end+1]) != ";branch=" {
			end = run(b, start+1, isPlain)
		}
		var value []byte
		if i = end; i < len(b) && b[i] == '=' {
			if i = longRun(b, end+1, isPlain); i == end+1 {
				return 0
			}
			value = b[end+1 : i : i]
		}
		whole := span{uint32(start - params), uint32(i - params)}
		if end == start+1 || !v.param(b[start+1:end], value, whole) {
			return 0
		}
	}
	if i > params {
		v.Params = b[params:i]
	}
	if i < len(b) && b[i] != ',' {
		return 0
	}
	return i
}

const usualProtocol = "SIP/2.0/"

// parse reads sent-protocol LWS sent-by *(SEMI via-params), with white
// space wherever SLASH, COLON, SEMI and EQUAL allow it.
func (v *ViaValue) parse(b []byte) *ParseError {
	name, b := viaToken(b)
	version, b := viaToken(b)
	n := run(b, 0, isToken)
	i := run(b, n, isLWS)
	if len(name) == 0 || len(version) == 0 || n == 0 || i == n {
		return errVia
	}
	v.Protocol, b = b[:n], b[i:]
	v.Transport = LookupTransport(v.Protocol)
	host, port, rest, ok := hostPort(b, longRun(b, 0, isHost), isLWS)
	if !ok {
		return errVia
	}
	params := rest[run(rest, 0, isLWS):]
	if len(params) > 0 && params[0] != ';' {
		return errVia
	}
	v.Host, v.Port = host, port
	if !is(name, "SIP") || string(version) != "2.0" {
		return errVia
	}
	if len(params) == 0 {
		return nil
	}
	v.Params = params
	return v.params()
}

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
		from := p.pos
		name, value, ok := p.Next()
		if p.empty || p.junk {
			return errVia
		}
		if !ok {
			return nil
		}
		if !v.param(name, value, span{uint32(from), uint32(p.pos)}) {
			return errVia
		}
	}
}

// param notes a parameter and where in Params it is. ok false: it has been
// there, or lacks its value.
func (v *ViaValue) param(name, value []byte, at span) (ok bool) {
	twice, bare := false, value == nil
	switch {
	case is(name, "branch"):
		twice = v.Branch != nil
		v.Branch = value
	case is(name, "rport"):
		twice, bare = v.HasRPort, false
		v.HasRPort, v.rport = true, at
		port, _ := number(value, 65535)
		v.RPort = uint16(port)
	case is(name, "received"):
		twice = v.Received != nil
		v.Received, v.received = unbracket(value), at
	case is(name, "maddr"):
		twice = v.MAddr != nil
		v.MAddr = unbracket(value)
	case is(name, "ttl"):
		twice = v.TTL != nil
		v.TTL = value
	default:
		bare = false
	}
	return !twice && !bare
}
