package control

import (
	"net/http"
	"strings"
	"time"

	"sipedge/router/rates"
)

func (s *Server) tellRates(_ http.ResponseWriter, r *http.Request) (any, error) {
	table, err := s.rates(r.Form.Get("table"))
	if err != nil {
		return nil, err
	}
	answer, longest := &Rates{Rows: []RateRow{}}, -1 // of the prefixes of rows that count
	for _, row := range table.Tell(&rates.Query{
		Number: []byte(r.Form.Get("number")), Group: []byte(r.Form.Get("group")), Now: time.Now(),
	}) {
		one := RateRow{
			Line: row.Line, Prefix: row.Prefix, Priority: row.Priority, Cost: row.Cost,
			Weight: row.Weight, Strip: row.Strip, Add: row.Add, Attributes: row.Attributes,
			Gateways: []RateGateway{},
		}
		switch {
		case row.Why == rates.OtherGroup:
			one.Skipped = "group"
		case row.Why == rates.OtherHours:
			one.Skipped = "hours"
		case longest < 0:
			longest = len(row.Prefix)
		case len(row.Prefix) < longest:
			one.Skipped = "shorter"
		}
		for _, set := range row.Sets {
			for _, g := range s.gateways(set, "") {
				if g.State == "up" && g.MaxCalls > 0 && g.Calls >= int64(g.MaxCalls) {
					g.State = "full"
				}
				one.Gateways = append(one.Gateways, RateGateway{Set: set, URI: g.URI, State: g.State})
			}
		}
		answer.Rows = append(answer.Rows, one)
	}
	return answer, nil
}

// rates finds a table of rates by its name, which may be empty when there is one.
func (s *Server) rates(want string) (found *rates.Table, err error) {
	var all []string
	for _, t := range s.Router.Tables().List() {
		if r := t.Rates(); r != nil {
			all = append(all, t.Name())
			if want == "" || t.Name() == want {
				found = r
			}
		}
	}
	switch {
	case len(all) == 0:
		return nil, refuse(http.StatusNotFound, "the policy has no table of rates")
	case want == "" && len(all) > 1:
		return nil, refuse(http.StatusBadRequest, "which table? %s", strings.Join(all, ", "))
	case found == nil:
		return nil, refuse(http.StatusNotFound, "%q is no table of rates: %s", want,
			strings.Join(all, ", "))
	}
	return found, nil
}
