package drouting

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// way is a gateway in the order of a rule: those at one place come by chance, by their weights.
type way struct {
	gateway    string
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

// most is how many gateways a carrier may have.
const most = 64

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
			inner, err = r.enabled([]way{{gateway: name, weight: 1}})
		}
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", name, err)
		case byWeight && len(inner) > 1:
			return nil, fmt.Errorf("%s has more than one gateway, in a list by weight", name)
		}
		for _, w := range inner {
			if w.at += i * most; byWeight {
				w = weighs(w.gateway, weight)
			}
			list = append(list, w)
		}
	}
	return list, nil
}

// weighs is a gateway of a list by weight: without one it comes behind the others.
func weighs(gateway string, weight int) way {
	if weight == 0 {
		return way{gateway, 1, 1}
	}
	return way{gateway, 0, weight}
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
		w := way{name, i, 1}
		if byWeight {
			w = weighs(name, weight)
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
		return nil, fmt.Errorf("only the first of a list by weight can't be told from the others")
	default:
		list = list[:1]
	}
	return list, nil
}

// enabled are those of some gateways that are not disabled.
func (r *reader) enabled(list []way) (kept []way, err error) {
	for _, w := range list {
		g := r.gateways[w.gateway]
		switch {
		case g == nil:
			return nil, fmt.Errorf("%s: %w", w.gateway, errNone)
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
	}
	return false, fmt.Errorf("sort_alg: %q is neither N nor W", alg)
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
