package control

import (
	"net/http"

	"sipedge/cmd/sipedge/internal/events"
	"sipedge/cmd/sipedge/internal/jsonrpc"
)

// Operation is one thing the API can be asked for. What its handler takes and gives is here, and
// nowhere else: the server is wired by it, OpenAPI is written from it.
type Operation struct {
	ID     string // of OpenAPI, and of the server's handler
	Method string
	Path   string
	Doc    string // one sentence
	Params []Param
	Body   any   // a value of the type it takes; nil: none
	Answer any   // a value of the type it gives
	Stream bool  // Answer is a line of many: application/x-ndjson
	Batch  bool  // Body and Answer are one each, or a list
	Follow bool  // a Stream without an end
	Errors []int // statuses of an Error, besides 400, and 413 of a body
}

// Param is one of the query.
type Param struct {
	Name, Doc string
	Need      bool
	Many      bool // may be given several times
}

// Pattern is the operation as http.ServeMux knows it.
func (o *Operation) Pattern() string { return o.Method + " " + o.Path }

const (
	get    = http.MethodGet
	put    = http.MethodPut
	post   = http.MethodPost
	remove = http.MethodDelete
)

var (
	location = Param{Name: "location",
		Doc: "The location store by its name in the policy; may be left out when there is one."}
	table = Param{Name: "table", Doc: "The table, by its name in the policy.", Need: true}
	key   = Param{Name: "key", Doc: "The key.", Need: true}
	aor   = Param{Name: "aor", Doc: "The address of record: user@host, or a URI.", Need: true}
)

// Operations is the API.
var Operations = []Operation{
	{ID: "openapi", Method: get, Path: "/v1/openapi.json", Doc: "This document.",
		Answer: map[string]any{}},
	{ID: "version", Method: get, Path: "/v1/version", Doc: "Which program runs.",
		Answer: Version{}},
	{ID: "uptime", Method: get, Path: "/v1/uptime", Doc: "Since when it runs.", Answer: Uptime{}},
	{ID: "ps", Method: get, Path: "/v1/ps",
		Doc:    "What is under way: listeners, transactions, the pool, backends, goroutines.",
		Answer: Work{}},
	{ID: "statistics", Method: get, Path: "/v1/statistics",
		Doc: "The counters and gauges of /metrics. 404: no name begins so.", Answer: Statistics{},
		Params: []Param{{Name: "name", Many: true,
			Doc: "Only those whose name begins so; sipedge_ unless given."}},
		Errors: []int{404}},
	{ID: "tables", Method: get, Path: "/v1/tables", Doc: "The tables of the policy.",
		Answer: Tables{}},
	{ID: "refresh_tables", Method: post, Path: "/v1/tables/refresh",
		Doc: "Has tables in databases read within seconds, whenever they are due; files are looked at " +
			"all the time. 404: there is no such table.",
		Params: []Param{{Name: "table", Doc: "The table; all unless given."}},
		Answer: Refreshed{}, Errors: []int{404}},
	{ID: "rows", Method: get, Path: "/v1/table/rows",
		Doc: "Rows of a table, a page of them. 404: there is no such table; 409: it is one of rates.",
		Params: []Param{table,
			{Name: "prefix", Doc: "Only keys that begin so."},
			{Name: "limit", Doc: "How many rows at most, up to 1000; 100 unless given."},
			{Name: "from", Doc: "The `next` of the page before. A key that a cache has all the while " +
				"is on one page."}},
		Answer: Rows{}, Errors: []int{404, 409}},
	{ID: "flush_rows", Method: remove, Path: "/v1/table/rows",
		Doc:    "Removes every key of a cache. 409: the table is none.",
		Params: []Param{table}, Answer: RowsRemoved{}, Errors: []int{404, 409}},
	{ID: "row", Method: get, Path: "/v1/table/row",
		Doc: "The row by which a look-up finds a key: of prefixes the longest, of networks the " +
			"smallest. 404: it finds none.",
		Params: []Param{table, key}, Answer: Row{}, Errors: []int{404, 409}},
	{ID: "put_row", Method: put, Path: "/v1/table/row",
		Doc: "Puts a key into a cache, or renews it. 400: it is no address, and the policy looks up " +
			"nothing else there; 409: the table is none.",
		Params: []Param{table, key}, Body: Entry{}, Answer: Row{}, Errors: []int{404, 409}},
	{ID: "remove_row", Method: remove, Path: "/v1/table/row",
		Doc:    "Removes a key of a cache. 404: there is no such key; 409: the table is no cache.",
		Params: []Param{table, key}, Answer: RowsRemoved{}, Errors: []int{404, 409}},
	{ID: "backends", Method: get, Path: "/v1/backends",
		Doc:    "The backends: whether they are spared, and the calls under way.",
		Answer: Backends{}},
	{ID: "certificates", Method: get, Path: "/v1/certificates",
		Doc:    "The certificates of the policy: their domains, and when they end.",
		Answer: Certificates{}},
	{ID: "renew", Method: post, Path: "/v1/certificates/renew",
		Doc: "Has certificates that CAs issue ordered now, with new keys, whenever they are due, and " +
			"does not wait for them. 404: there is no such certificate.",
		Params: []Param{{Name: "certificate", Doc: "Its name in the policy; all unless given."}},
		Answer: Ordered{}, Errors: []int{404}},
	{ID: "media", Method: get, Path: "/v1/media", Doc: "The nodes that relay media.",
		Answer: MediaNodes{}},
	{ID: "enable_media", Method: put, Path: "/v1/media/node",
		Doc:    "Has new calls go to a node, or no longer. 404: there is none of the address.",
		Params: []Param{{Name: "node", Doc: "Where it takes commands, address:port.", Need: true}},
		Body:   Enabled{}, Answer: MediaNodes{}, Errors: []int{404}},
	{ID: "gateways", Method: get, Path: "/v1/gateways",
		Doc: "The gateways: whether they can be used, and the calls they have.", Answer: Gateways{}},
	{ID: "set_gateway", Method: put, Path: "/v1/gateway",
		Doc: "Says how a gateway may be used, until the server ends. One that is enabled counts as " +
			"up. 404: there is none.",
		Params: []Param{{Name: "set", Doc: "The set.", Need: true},
			{Name: "uri", Doc: "Its URI as the policy has it; all of the set unless given."}},
		Body: GatewayMode{}, Answer: Gateways{}, Errors: []int{404}},
	{ID: "rates", Method: get, Path: "/v1/rates",
		Doc: "The rows of a table of rates that a number meets, and whether their gateways can be " +
			"used. 404: there is no such table.",
		Params: []Param{{Name: "number", Doc: "The number.", Need: true},
			{Name: "table", Doc: "The table; may be left out when there is one."},
			{Name: "group", Doc: "Whose rows count besides those for all."}},
		Answer: Rates{}, Errors: []int{404}},
	{ID: "address", Method: get, Path: "/v1/address",
		Doc: "The rows of a table of addresses that have a source, as check_source_address and the " +
			"matcher source find them. 404: there is no such table, or none of its rows does.",
		Params: []Param{{Name: "address", Doc: "IP address, or with a port: address:port.", Need: true},
			{Name: "transport", Doc: "udp, tcp …; any unless given."},
			{Name: "table", Doc: "The table; may be left out when there is one."},
			{Name: "group", Many: true, Doc: "Only rows of these groups; all unless given."},
			{Name: "text", Doc: "What patterns are compared with; they don't count unless given."}},
		Answer: Addresses{}, Errors: []int{404}},
	{ID: "targets", Method: get, Path: "/v1/targets",
		Doc:    "Targets that failed lately, by address: others are preferred to them.",
		Answer: Targets{}},
	{ID: "clear_targets", Method: remove, Path: "/v1/targets",
		Doc: "Forgets that targets failed: they are used again at once. 404: the one given did not.",
		Params: []Param{{Name: "target", Doc: "An address, address:port, or one of these and " +
			"/transport (192.0.2.1:5060/udp); all unless given."}},
		Answer: Cleared{}, Errors: []int{404}},
	{ID: "log_level", Method: get, Path: "/v1/log-level", Doc: "The level of the log.",
		Answer: LogLevel{}},
	{ID: "set_log_level", Method: put, Path: "/v1/log-level",
		Doc:  "Sets the level of the log, until the policy is loaded again.",
		Body: LogLevel{}, Answer: LogLevel{}},
	{ID: "reload", Method: post, Path: "/v1/reload",
		Doc: "Reads the policy again and swaps it whole, or changes nothing: 422, with what is " +
			"wrong with it; 502: it can't be read; 409: the server drains.",
		Answer: Reload{}, Errors: []int{409, 422, 502}},
	{ID: "drain", Method: post, Path: "/v1/drain",
		Doc: "Refuses new dialogs from now on; the server ends when all it has under way has a " +
			"final response, or at its bound.",
		Answer: Drain{}},
	{ID: "stop", Method: post, Path: "/v1/stop", Doc: "Ends the server at once.", Answer: Drain{}},
	{ID: "bindings", Method: get, Path: "/v1/bindings",
		Doc: "The bindings of a location store, an address of record a line, in any order. What " +
			"changes meanwhile may be missed.",
		Params: []Param{location,
			{Name: "prefix", Doc: "Only addresses of record that begin so."},
			{Name: "limit", Doc: "How many addresses of record at most; all unless given."}},
		Answer: Bound{}, Stream: true, Errors: []int{404, 503}},
	{ID: "binding", Method: get, Path: "/v1/binding",
		Doc:    "The bindings of an address of record. 404: there are none.",
		Params: []Param{location, aor}, Answer: Bound{}, Errors: []int{404, 503}},
	{ID: "add_binding", Method: post, Path: "/v1/binding",
		Doc:    "Adds a binding; one of the same contact becomes it, and keeps nothing of what it had.",
		Params: []Param{location, aor}, Body: Addition{}, Answer: Bound{}, Errors: []int{404, 503}},
	{ID: "remove_binding", Method: remove, Path: "/v1/binding",
		Doc: "Removes the bindings of an address of record, or one. 404: there is none.",
		Params: []Param{location, aor,
			{Name: "contact", Doc: "The contact of the one to remove; all unless given."}},
		Answer: Removed{}, Errors: []int{404, 503}},
	{ID: "flush", Method: remove, Path: "/v1/bindings",
		Doc:    "Removes every binding of a location store.",
		Params: []Param{location}, Answer: Removed{}, Errors: []int{404, 503}},
	{ID: "events", Method: get, Path: "/v1/events",
		Doc: "What changes from now on, an event a line, as it does, until the client ends it. 503: " +
			"too many listen.",
		Params: []Param{
			{Name: "name", Many: true, Doc: "Only events of these names; all unless given."},
			{Name: "limit", Doc: "How many lines at most; no end unless given."}},
		Answer: events.Event{}, Stream: true, Follow: true, Errors: []int{503}},
	{ID: "rpc", Method: post, Path: "/mi",
		Doc: "Methods of OpenSIPS's Management Interface by JSON-RPC 2.0, one or a batch; which " +
			"lists them. 204: there is nothing to answer.",
		Body: jsonrpc.Request{}, Answer: jsonrpc.Response{}, Batch: true},
}
