package drouting

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sipedge/backends"
	"sipedge/router/rates"
	"sipedge/schema"
	"sipedge/sip"
)

// The columns that are read of each table, in the order that Tables have them.
var (
	RuleColumns = []string{
		"ruleid", "groupid", "prefix", "timerec", "priority", "routeid", "gwlist", "sort_alg", "attrs",
	}
	CarrierColumns = []string{"carrierid", "gwlist", "flags", "sort_alg", "state"}
	GatewayColumns = []string{"gwid", "address", "strip", "pri_prefix", "attrs", "state"}
)

// Tables are the rows of the three tables.
type Tables struct{ Rules, Carriers, Gateways []backends.Row }

// A gateway is a row of dr_gateways.
type gateway struct {
	address, strip, prefix, attrs string
	disabled                      bool
}

// reader reads rules by what the other tables have.
type reader struct {
	decl     *schema.Drouting
	sets     map[string]string // of the policy, by the place of their one gateway
	gateways map[string]*gateway
	carriers map[string]*carrier
	builder  *rates.Builder
}

// rule is a row of dr_rules.
type rule struct {
	id, priority int
	cells        []string // by RuleColumns
}

// Places of RuleColumns.
const (
	ruleID = iota
	groupID
	prefix
	timerec
	priority
	routeID
	gwList
	sortAlg
	attrs
)

// Left are rules that were left out: they are well-formed, but can't be meant here.
type Left struct {
	Rules int
	First string // of them by prefix, and what it is about
}

// Read makes rates of the tables, which may name the sets. The rules of a prefix come by their
// priority, the higher first, and in it by their ids. The line of a rate is the id of its rule.
func Read(t *Tables, decl *schema.Drouting, sets []string) (_ *rates.Table, left Left, err error) {
	r := &reader{
		decl: decl, sets: map[string]string{}, gateways: map[string]*gateway{},
		carriers: map[string]*carrier{}, builder: rates.NewBuilder(sets, len(t.Rules)),
	}
	for _, s := range decl.Single {
		if at, ok := place(s.URI); ok && r.sets[at] == "" {
			r.sets[at] = s.Set
		}
	}
	for _, row := range t.Gateways {
		c := cells(row)
		r.gateways[c[0]] = &gateway{c[1], c[2], c[3], c[4], c[5] == "1"}
	}
	for _, row := range t.Carriers {
		c := cells(row)
		r.carriers[c[0]] = &carrier{list: c[1], flags: c[2], sort: c[3], state: c[4]}
	}
	rules, err := rulesOf(t.Rules)
	if err != nil {
		return nil, left, err
	}
	var same prefixed
	for i := range rules {
		if i == 0 || rules[i].cells[prefix] != rules[i-1].cells[prefix] {
			same = prefixed{seen: map[[3]string]bool{}}
		}
		err := r.rule(&rules[i], &same)
		if err != nil {
			err = fmt.Errorf("rule %d: %w", rules[i].id, err)
		}
		if odd := strange(""); errors.As(err, &odd) {
			left.Rules++
			left.First = cmp.Or(left.First, err.Error())
		} else if err != nil {
			return nil, left, err
		}
	}
	table, err := r.builder.Table()
	return table, left, err
}

// rulesOf reads the rules, in their order.
func rulesOf(rows []backends.Row) ([]rule, error) {
	rules := make([]rule, 0, len(rows))
	for _, row := range rows {
		one := rule{cells: cells(row)}
		for i, n := range map[int]*int{ruleID: &one.id, priority: &one.priority} {
			var err error
			if *n, err = strconv.Atoi(cmp.Or(one.cells[i], "0")); err != nil {
				return nil, fmt.Errorf("%s: %q is no number", RuleColumns[i], one.cells[i])
			}
		}
		rules = append(rules, one)
	}
	slices.SortStableFunc(rules, func(a, b rule) int {
		return cmp.Or(cmp.Compare(a.cells[prefix], b.cells[prefix]),
			cmp.Compare(b.priority, a.priority), cmp.Compare(a.id, b.id))
	})
	return rules, nil
}

// The columns of rates.
var (
	ratePrefix, rateGateways = column("prefix"), column("gateways")
	ratePriority, rateCost   = column("priority"), column("cost")
	rateWeight, rateGroup    = column("weight"), column("group")
	rateHours, rateStrip     = column("hours"), column("strip")
	rateAdd, rateAttributes  = column("add"), column("attributes")
)

func column(name string) int { return slices.Index(rates.Columns[:], name) }

// prefixed is what was read of the rules of one prefix.
type prefixed struct {
	rank, rows int                // of the rule, and of rates
	seen       map[[3]string]bool // sets, groups and times
}

// rule adds a rate for each way of a rule. One that is strange adds nothing.
func (r *reader) rule(one *rule, same *prefixed) error {
	c := one.cells
	switch {
	case c[routeID] != "":
		return strange(fmt.Sprintf("routeid: %q is a route of a script, and there is none", c[routeID]))
	case isExpression(c[timerec]):
		return strange(fmt.Sprintf("timerec: %q is an expression of recurrences", c[timerec]))
	}
	list, err := r.expand(c[gwList], c[sortAlg])
	if err != nil {
		return fmt.Errorf("gwlist: %w", err)
	}
	before := same.rows
	for _, way := range list {
		sets, err := r.setsOf(way.gateways)
		if err != nil {
			return err
		}
		key := [3]string{sets, c[groupID], c[timerec]}
		if same.seen[key] {
			continue
		}
		same.seen[key] = true
		if same.rows++; same.rows > rates.MostOfPrefix {
			return fmt.Errorf("prefix %q has more than %d rows of rates: a rule has one for each gateway",
				c[prefix], rates.MostOfPrefix)
		}
		g := r.gateways[way.gateways[0]]
		var row rates.Row
		row[ratePrefix], row[rateGateways], row[rateGroup] = c[prefix], sets, c[groupID]
		row[ratePriority], row[rateCost] = strconv.Itoa(same.rank), strconv.Itoa(way.at)
		row[rateWeight], row[rateHours] = strconv.Itoa(way.weight), r.hours(c[timerec])
		row[rateStrip], row[rateAdd] = g.strip, g.prefix
		row[rateAttributes] = cmp.Or(c[attrs], g.attrs)
		if err := r.builder.Add(one.id, &row); err != nil {
			return err
		}
	}
	if same.rows > before { // so ranks are no more than rows
		same.rank++
	}
	return nil
}

// isExpression reports whether a timerec joins recurrences: by &, by /, which zones have too, or
// by ! and brackets.
func isExpression(timerec string) bool {
	if zone, rest, more := strings.Cut(timerec, "|"); more && !strings.ContainsAny(zone, "&!()") {
		if zone != "" && zone[0] >= 'A' && zone[0] <= 'Z' {
			timerec = rest
		}
	}
	return strings.ContainsAny(timerec, "&/!()")
}

// hours are those of a timerec, in the zone of the table unless it says one.
func (r *reader) hours(text string) string {
	if text == "" || text[0] >= 'A' && text[0] <= 'Z' {
		return text
	}
	return cmp.Or(r.decl.Zone.S, "UTC") + "|" + text
}

// setsOf are the sets of the policy that are some gateways.
func (r *reader) setsOf(gateways []string) (string, error) {
	var sets []string
	for _, name := range gateways {
		address := r.gateways[name].address
		at, ok := place(address)
		if !ok {
			return "", fmt.Errorf("gateway %s: address: %q is none of SIP", name, address)
		}
		set := r.sets[at]
		if set == "" {
			return "", fmt.Errorf("gateway %s: no set of gateways has %q alone", name, address)
		}
		sets = append(sets, set)
	}
	return strings.Join(sets, " "), nil
}

// place is what is the same for URIs, written with their scheme or without, that lead to one place.
func place(address string) (string, bool) {
	if text := strings.ToLower(address); !strings.HasPrefix(text, "sip:") &&
		!strings.HasPrefix(text, "sips:") {
		address = "sip:" + address
	}
	u, err := sip.ParseURI([]byte(address))
	if err != nil || len(u.Host) == 0 {
		return "", false
	}
	port, transport := u.Port, u.Transport()
	if transport == sip.NoTransport {
		transport = sip.UDP
	}
	if secure := u.Scheme == sip.SIPS || transport == sip.TLS; port == 0 && secure {
		port = 5061
	} else if port == 0 {
		port = 5060
	}
	return fmt.Sprint(u.Scheme, " ", strings.ToLower(string(u.Host)), " ", port, " ", transport), true
}

// cells are the texts of a row, without spaces around; of NULL an empty one.
func cells(row backends.Row) []string {
	list := make([]string, len(row))
	for i, v := range row {
		list[i] = strings.TrimSpace(backends.Text(v))
	}
	return list
}
