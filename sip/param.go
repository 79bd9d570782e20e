package sip

// Params walks a parameter list, such as Params of NameAddr, URI and
// ViaValue: ";lr;transport=tcp". Empty parameters are passed over.
type Params struct {
	list []byte
	pos  int
}

// NewParams begins a walk.
func NewParams(list []byte) Params { return Params{list: list} }

// Next returns the next parameter. value is nil without '=', not nil but
// empty behind a bare one; a quoted string keeps its quotes.
func (p *Params) Next() (name, value []byte, ok bool) {
	q, next, _ := nextParam(p.list, p.pos)
	p.pos = next
	if q.name == len(p.list) {
		return nil, nil, false
	}
	name, value = q.in(p.list)
	return name, value, true
}

// param is a parameter by where its name and its value are in the list:
// value 0: it has none. Of the end of the list, name is its length.
type param struct{ name, nameEnd, value, valueEnd int }

func (p param) in(list []byte) (name, value []byte) {
	if name = list[p.name:p.nameEnd]; p.value > 0 {
		value = list[p.value:p.valueEnd:p.valueEnd]
	}
	return name, value
}

// fault is what the grammar forbids in a parameter list.
type fault uint8

const (
	emptyParam fault = 1 << iota // no name
	// junkParam: something behind the value, a quoted string without end, a quote
	// within a token
	junkParam
)

// nextParam reads the parameter at b[i:], which is ";name" or ";name=word" as
// a rule. next is where the one behind it begins.
func nextParam(b []byte, i int) (p param, next int, f fault) {
	if i == len(b) {
		return param{name: i}, i, 0
	}
	if b[i] != ';' || i+1 == len(b) || class[b[i+1]]&isName == 0 {
		return anyParam(b, i)
	}
	p.name = i + 1
	p.nameEnd = run(b, i+1, isName)
	if i = p.nameEnd; i == len(b) || b[i] == ';' {
		return p, i, 0
	}
	if b[i] == '=' && i+1 < len(b) && class[b[i+1]]&isWord != 0 {
		p.value = i + 1
		p.valueEnd = wordRun(b, i+1)
		if i = p.valueEnd; i == len(b) || b[i] == ';' {
			return p, i, 0
		}
	}
	return anyParam(b, p.name-1)
}

// anyParam is nextParam with white space, quoted strings and faults.
func anyParam(b []byte, i int) (p param, next int, f fault) {
	begin := i
	i = run(b, i, isLWS)
	for semicolons := 0; i < len(b) && b[i] == ';'; i = run(b, i+1, isLWS) {
		if semicolons++; semicolons > 1 {
			f |= emptyParam
		}
	}
	p.name, p.nameEnd = i, run(b, i, isName)
	if i == len(b) {
		if len(trim(b[begin:])) > 0 {
			f |= emptyParam
		}
		return p, i, f
	}
	if p.nameEnd == i {
		f |= emptyParam
	}
	i = run(b, p.nameEnd, isLWS)
	if i < len(b) && b[i] == '=' {
		i = run(b, i+1, isLWS)
		p.value = i
		if i == len(b) || b[i] != '"' {
			i = wordRun(b, i)
		} else if i = quotedEnd(b, i); i < 0 {
			f |= junkParam
			i = len(b)
		}
		p.valueEnd = i
		i = run(b, i, isLWS)
	}
	for i < len(b) && b[i] != ';' {
		f |= junkParam
		i++
	}
	return p, i, f
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
