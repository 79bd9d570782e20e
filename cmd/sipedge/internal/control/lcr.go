package control

import (
	"net/http"
	"time"

	"sipedge/router/data"
	"sipedge/router/rates"
)

func (s *Server) tellRates(_ http.ResponseWriter, r *http.Request) (any, error) {
	table, err := s.tableOf(data.Rates, "rates", r.Form.Get("table"))
	if err != nil {
		return nil, err
	}
	answer, longest := &Rates{Rows: []RateRow{}}, -1 // of the prefixes of rows that count
	for _, row := range table.Rates().Tell(&rates.Query{
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
