package memory

// phrases numbers texts that many bindings have: user agents, listeners. There are at most
// maxPhrases: who registers says what his user agent is. It is a slab.Shared for bytes: texts come
// and go as such on every look-up, and none is made into a string for it.
type phrases struct {
	numbers map[string]uint32 // from 1
	list    []phrase
	free    []uint32
}

type phrase struct {
	text  string
	bytes []byte // the same, for who reads it; nobody writes
	users int
}

const maxPhrases = 512 // of a shard

func (p *phrases) at(i uint32) []byte { return p.list[i-1].bytes }

// keep returns the number of a text for a record that had number old; 0: none, the record has to
// keep the text itself.
func (p *phrases) keep(old uint32, text []byte) uint32 {
	if old != 0 && p.list[old-1].text == string(text) {
		return old
	}
	i := uint32(0)
	if len(text) > 0 {
		if i = p.numbers[string(text)]; i == 0 {
			i = p.add(text)
		}
	}
	if i != 0 {
		p.list[i-1].users++
	}
	p.drop(old)
	return i
}

func (p *phrases) add(text []byte) (i uint32) {
	if n := len(p.free); n > 0 {
		i, p.free = p.free[n-1], p.free[:n-1]
	} else if len(p.list) < maxPhrases {
		p.list = append(p.list, phrase{})
		i = uint32(len(p.list))
	} else {
		return 0
	}
	if p.numbers == nil {
		p.numbers = map[string]uint32{}
	}
	s := string(text)
	p.list[i-1] = phrase{text: s, bytes: []byte(s)}
	p.numbers[s] = i
	return i
}

// drop says that a record with number i is no more; 0: it had none.
func (p *phrases) drop(i uint32) {
	if i == 0 {
		return
	}
	e := &p.list[i-1]
	if e.users--; e.users == 0 {
		delete(p.numbers, e.text)
		*e = phrase{}
		p.free = append(p.free, i)
	}
}
