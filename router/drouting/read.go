package drouting

import (
	"cmp"
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

// Read makes rates of the tables, which may name the sets. The rules of a prefix come by their
// priority, the higher first, and in it by their ids. The line of a rate is the id of its rule.
func Read(t *Tables, decl *schema.Drouting, sets []string) (*rates.Table, error) {
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
		return nil, err
	}
	for len(rules) > 0 {
		n := 1 // rules of one prefix
		for n < len(rules) && rules[n].cells[prefix] == rules[0].cells[prefix] {
			n++
		}
		seen := map[[3]string]bool{}
		for rank := range rules[:n] {
			if err := r.rule(&rules[rank], rank, seen); err != nil {
				return nil, fmt.Errorf("rule %d: %w", rules[rank].id, err)
			}
		}
		rules = rules[n:]
	}
	return r.builder.Table()
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

// mostRules is how many rules a prefix may have: so many priorities rates have.
const mostRules = 1 << 16

// rule adds a rate for each gateway of a rule; seen has those of the rules before it.
func (r *reader) rule(one *rule, rank int, seen map[[3]string]bool) error {
	c := one.cells
	if rank >= mostRules {
		return fmt.Errorf("more than %d rules of prefix %q", mostRules, c[prefix])
	}
	if c[routeID] != "" {
		return fmt.Errorf("routeid: %q is a route of a script, and there is none", c[routeID])
	}
	list, err := r.expand(c[gwList], c[sortAlg])
	if err != nil {
		return fmt.Errorf("gwlist: %w", err)
	}
	for _, way := range list {
		g := r.gateways[way.gateway]
		set, err := r.setOf(g)
		if err != nil {
			return fmt.Errorf("gateway %s: %w", way.gateway, err)
		}
		key := [3]string{set, c[groupID], c[timerec]}
		if seen[key] {
			continue
		}
		seen[key] = true
		var row rates.Row
		row[ratePrefix], row[rateGateways], row[rateGroup] = c[prefix], set, c[groupID]
		row[ratePriority], row[rateCost] = strconv.Itoa(rank), strconv.Itoa(way.at)
		row[rateWeight], row[rateHours] = strconv.Itoa(way.weight), r.hours(c[timerec])
		row[rateStrip], row[rateAdd] = g.strip, g.prefix
		row[rateAttributes] = cmp.Or(c[attrs], g.attrs)
		if err := r.builder.Add(one.id, &row); err != nil {
			return err
		}
	}
	return nil
}

// hours are those of a timerec, in the zone of the table unless it says one.
func (r *reader) hours(text string) string {
	if text == "" || text[0] >= 'A' && text[0] <= 'Z' {
		return text
	}
	return cmp.Or(r.decl.Zone, "UTC") + "|" + text
}

// setOf is the set of the policy that is a gateway.
func (r *reader) setOf(g *gateway) (string, error) {
	at, ok := place(g.address)
	if !ok {
		return "", fmt.Errorf("address: %q is none of SIP", g.address)
	}
	set := r.sets[at]
	if set == "" {
		return "", fmt.Errorf("no set of gateways has %q alone", g.address)
	}
	return set, nil
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
