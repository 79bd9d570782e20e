package sip

// Params walks a parameter list, such as Params of NameAddr, URI and
// ViaValue: ";lr;transport=tcp". Empty parameters are passed over.
type Params struct {
	rest []byte
	// What the grammar forbids: a parameter without name or with something
	// behind its value, a quoted string without end, a quote within a token.
	empty, junk bool
}

// NewParams begins a walk.
func NewParams(list []byte) Params { return Params{rest: list} }

// Next returns the next parameter. value is nil without '=', not nil but
// empty behind a bare one; a quoted string keeps its quotes.
func (p *Params) Next() (name, value []byte, ok bool) {
	b := p.rest
	i := run(b, 0, isLWS)
	for semicolons := 0; i < len(b) && b[i] == ';'; i = run(b, i+1, isLWS) {
		if semicolons++; semicolons > 1 {
			p.empty = true
		}
	}
	if i == len(b) {
		p.empty = p.empty || len(trim(b)) > 0
		p.rest = nil
		return nil, nil, false
	}
	start := i
	i = longRun(b, i, isName)
	name = b[start:i]
	p.empty = p.empty || len(name) == 0
	i = run(b, i, isLWS)
	if i < len(b) && b[i] == '=' {
		start = run(b, i+1, isLWS)
		i = p.value(b, start)
		value = b[start:i:i]
		i = run(b, i, isLWS)
	}
	for i < len(b) && b[i] != ';' {
		p.junk = true
		i++
	}
	p.rest = b[i:]
	return name, value, true
}

// value returns the index behind the value that begins at b[i:].
func (p *Params) value(b []byte, i int) int {
	if i == len(b) || b[i] != '"' {
		return longRun(b, i, isWord)
	}
	if i = quotedEnd(b, i); i < 0 {
		p.junk = true
		i = len(b)
	}
	return i
}

// Param finds name in a parameter list such as Params of NameAddr, URI and ViaValue.
func Param(params []byte, name string) (value []byte, ok bool) {
	for p := NewParams(params); ; {
		n, v, ok := p.Next()
		if !ok {
			return nil, false
		}
		if string(n) == name || equalFold(n, name) {
			return v, true
		}
	}
}
