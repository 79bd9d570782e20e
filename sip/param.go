package sip

// Params walks a parameter list, such as Params of NameAddr, URI and
// ViaValue: ";lr;transport=tcp". Empty parameters are passed over.
type Params struct {
	list []byte
	pos  int // where the next one begins
	// What the grammar forbids: a parameter without name or with something
	// behind its value, a quoted string without end, a quote within a token.
	empty, junk bool
}

// NewParams begins a walk.
func NewParams(list []byte) Params { return Params{list: list} }

// Next returns the next parameter. value is nil without '=', not nil but
// empty behind a bare one; a quoted string keeps its quotes.
func (p *Params) Next() (name, value []byte, ok bool) {
	b, i := p.list, run(p.list, p.pos, isLWS)
	for semicolons := 0; i < len(b) && b[i] == ';'; i = run(b, i+1, isLWS) {
		if semicolons++; semicolons > 1 {
			p.empty = true
		}
	}
	start := i
	i = run(b, start, isName)
	if start == len(b) {
		p.empty = p.empty || len(trim(b[p.pos:])) > 0
		p.pos = start
		return nil, nil, false
	}
	name = b[start:i]
	p.empty = p.empty || len(name) == 0
	if i = run(b, i, isLWS); i < len(b) && b[i] == '=' {
		start = run(b, i+1, isLWS)
		i = p.value(start)
		value = b[start:i:i]
		i = run(b, i, isLWS)
	}
	for i < len(b) && b[i] != ';' {
		p.junk = true
		i++
	}
	p.pos = i
	return name, value, true
}

// value returns the index behind the value that begins at list[i:].
func (p *Params) value(i int) int {
	if i == len(p.list) || p.list[i] != '"' {
		return longRun(p.list, i, isWord)
	}
	if i = quotedEnd(p.list, i); i < 0 {
		p.junk = true
		i = len(p.list)
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
		if is(n, name) {
			return v, true
		}
	}
}
