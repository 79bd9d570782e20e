package drouting

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// way is a gateway in the order of a rule, or several that stay together, one after the other.
// Those at one place come by chance, by their weights.
type way struct {
	gateways   []string
	at, weight int
}

// carrier is a row of dr_carriers.
type carrier struct{ list, flags, sort, state string }

// Flags of carriers.
const (
	onlyFirst   = 1
	unavailable = 2
)

var errNone = errors.New("there is none of this name")

// Bounds on the gateways of a carrier, and on those that stay together.
const (
	most     = 64
	mostWays = 16
)

// strange is why a rule that is well-formed can't be meant here.
type strange string

func (s strange) Error() string { return string(s) }

// expand reads a gwlist of gateways, gw1=10, and carriers, #cr1=20, into those that can be used.
func (r *reader) expand(text, sort string) (list []way, err error) {
	byWeight, err := sorts(sort)
	if err != nil {
		return nil, err
	}
	for i, item := range items(text) {
		name, weight, err := weighed(item)
		if err != nil {
			return nil, err
		}
		var inner []way
		if id, is := strings.CutPrefix(name, "#"); is {
			inner, err = r.carrier(id)
		} else {
			inner, err = r.enabled([]way{{[]string{name}, 0, 1}})
		}
		if byWeight && err == nil {
			inner, err = r.together(inner, weight)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, w := range inner {
			if !byWeight {
				w.at += i * most
			}
			list = append(list, w)
		}
	}
	return list, nil
}

// together makes what stands at a place of a list by weight one way: a row of rates has its sets
// in order, and one change of the number for all of them.
func (r *reader) together(inner []way, weight int) ([]way, error) {
	slices.SortStableFunc(inner, func(a, b way) int { return cmp.Compare(a.at, b.at) })
	var all []string
	for i, w := range inner {
		switch {
		case i > 0 && w.at == inner[i-1].at:
			return nil, strange("a carrier by weight can't be meant in a list by weight")
		case !r.gateways[w.gateways[0]].alike(r.gateways[inner[0].gateways[0]]):
			return nil, strange("a carrier in a list by weight has one strip, pri_prefix and attrs")
		}
		all = append(all, w.gateways...)
	}
	switch {
	case len(all) == 0:
		return nil, nil
	case len(all) > mostWays:
		return nil, strange(fmt.Sprintf("more than %d gateways in a list by weight", mostWays))
	}
	return []way{weighs(all, weight)}, nil
}

// alike reports whether two gateways have the same done to a request.
func (g *gateway) alike(o *gateway) bool {
	return g.strip == o.strip && g.prefix == o.prefix && g.attrs == o.attrs
}

// weighs are gateways of a list by weight: without one they come behind the others.
func weighs(gateways []string, weight int) way {
	if weight == 0 {
		return way{gateways, 1, 1}
	}
	return way{gateways, 0, weight}
}

// carrier is the gateways of one.
func (r *reader) carrier(id string) (list []way, err error) {
	c := r.carriers[id]
	if c == nil {
		return nil, errNone
	}
	byWeight, err := sorts(c.sort)
	if err != nil {
		return nil, err
	}
	flags, err := strconv.Atoi("0" + c.flags)
	if err != nil {
		return nil, fmt.Errorf("flags: %q is no number", c.flags)
	}
	if flags&unavailable != 0 || c.state == "1" {
		return nil, nil
	}
	for i, item := range items(c.list) {
		name, weight, err := weighed(item)
		if err != nil {
			return nil, err
		}
		w := way{[]string{name}, i, 1}
		if byWeight {
			w = weighs(w.gateways, weight)
		}
		list = append(list, w)
	}
	all := len(list)
	list, err = r.enabled(list)
	switch {
	case err != nil:
		return nil, err
	case all > most:
		return nil, fmt.Errorf("more than %d gateways", most)
	case flags&onlyFirst == 0 || len(list) < 2:
	case byWeight:
		return nil, strange("only the first of a carrier by weight can't be meant")
	default:
		list = list[:1]
	}
	return list, nil
}

// enabled are those of some gateways that are not disabled.
func (r *reader) enabled(list []way) (kept []way, err error) {
	for _, w := range list {
		g := r.gateways[w.gateways[0]]
		switch {
		case g == nil:
			return nil, fmt.Errorf("%s: %w", w.gateways[0], errNone)
		case !g.disabled:
			kept = append(kept, w)
		}
	}
	return kept, nil
}

// sorts reads sort_alg.
func sorts(alg string) (byWeight bool, err error) {
	switch alg {
	case "", "N":
		return false, nil
	case "W":
		return true, nil
	case "Q":
		return false, strange("sort_alg: quality, Q, is measured nowhere here")
	}
	return false, fmt.Errorf("sort_alg: %q is none of N, W and Q", alg)
}

// weighed is a name and its weight, 0 without one.
func weighed(item string) (name string, weight int, err error) {
	name, text, given := strings.Cut(item, "=")
	if given {
		if weight, err = strconv.Atoi(text); err != nil || weight < 0 {
			return "", 0, fmt.Errorf("%q has no weight", item)
		}
	}
	return strings.TrimSpace(name), weight, nil
}

// items are what stands between commas.
func items(text string) (list []string) {
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}
