package jsonrpc

import (
	"encoding/json"
	"slices"
	"strings"
)

// Params are those of a call, by position or by name.
type Params struct {
	list  []json.RawMessage
	named map[string]json.RawMessage
}

func readParams(text json.RawMessage) (p Params, refusal *Error) {
	var err error
	switch {
	case len(text) == 0:
	case text[0] == '[':
		err = json.Unmarshal(text, &p.list)
	case text[0] == '{':
		err = json.Unmarshal(text, &p.named)
	default:
		return p, Refuse(InvalidRequest, "params is an object or an array")
	}
	if err != nil {
		return p, Refuse(InvalidRequest, "params: %v", err)
	}
	return p, nil
}

// Bind gives each parameter its name, by the order of names when it came by position. One that is
// not among them is an InvalidParams.
func (p Params) Bind(names []string) (map[string]json.RawMessage, error) {
	if given := max(len(p.list), len(p.named)); given > len(names) {
		return nil, Refuse(InvalidParams, "%d params; there are at most %d", given, len(names))
	}
	bound := make(map[string]json.RawMessage, len(names))
	for i, v := range p.list {
		bound[names[i]] = v
	}
	for name, v := range p.named {
		if !slices.Contains(names, name) {
			return nil, Refuse(InvalidParams, "param %q is none of %s", name, strings.Join(names, ", "))
		}
		bound[name] = v
	}
	return bound, nil
}
