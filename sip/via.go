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
	Params    []byte  // from the first ';' on
	marks     [2]span // where in Params received and rport are, in their order
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
	i, ours := len(usualProtocol), true
	if len(b) < i || string(b[:i]) != usualProtocol {
		if i, ours = viaProtocol(b); i < 0 {
			return errVia
		}
	}
	start := run(b, i, isLWS)
	end := run(b, start, isToken)
	if i = run(b, end, isLWS); i == end || end == start {
		return errVia
	}
	v.Protocol = b[start:end]
	v.Transport = LookupTransport(v.Protocol)
	h, ok := readHostPort(b, i, longRun(b, i, isHost)-i, isLWS)
	if !ok {
		return errVia
	}
	if i = run(b, h.end, isLWS); i < len(b) && b[i] != ';' {
		return errVia
	}
	v.Host, v.Port = b[h.host:h.hostEnd], uint16(h.port)
	if !ours {
		return errVia
	}
	if i == len(b) {
		return nil
	}
	v.Params = b[i:]
	return v.params()
}

// viaProtocol reads a protocol's name, its version and the slashes behind
// them; i is behind that, -1 if there is something else.
func viaProtocol(b []byte) (i int, ours bool) {
	n := run(b, 0, isToken)
	i = run(b, n, isLWS)
	if n == 0 || i == len(b) || b[i] != '/' {
		return -1, false
	}
	ours = equalFold(b[:n], "SIP")
	start := run(b, i+1, isLWS)
	n = run(b, start, isToken)
	i = run(b, n, isLWS)
	if n == start || i == len(b) || b[i] != '/' {
		return -1, false
	}
	return i + 1, ours && string(b[start:n]) == "2.0"
}

func (v *ViaValue) params() *ParseError {
	for i := 0; i < len(v.Params); {
		p, next, f := nextParam(v.Params, i)
		if f != 0 {
			return errVia
		}
		whole := span{uint32(i), uint32(next)}
		if i = next; p.name == len(v.Params) {
			break
		}
		if name, value := p.in(v.Params); !v.param(name, value, whole) {
			return errVia
		}
	}
	return nil
}

// param notes a parameter and where in Params it is. ok false: it has been
// there, or lacks its value.
func (v *ViaValue) param(name, value []byte, whole span) (ok bool) {
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
		v.mark(whole)
	case is(name, "received"):
		twice = v.Received != nil
		v.mark(whole)
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
	return !twice && !bare
}

func (v *ViaValue) mark(param span) {
	if v.marks[0].to > 0 {
		v.marks[1] = param
	} else {
		v.marks[0] = param
	}
}
