package http

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"sipedge/backends"
	"sipedge/backends/backendtest"
	"sipedge/backends/relation"
	"sipedge/sip/transport/porttest"
)

// server is one that db_http and the JSON form are documented for, over tables in memory. It wants
// user and password.
type server struct {
	*backendtest.Proxy
	counts bool // it replies to updates with the number of rows
	addr   string
	http   *http.Server

	mu     sync.Mutex
	tables map[string]*relation.Table
}

func newServer(t *testing.T) *server {
	s := &server{tables: map[string]*relation.Table{}, addr: porttest.Free(t).String()}
	s.Start(t)
	s.Proxy = backendtest.NewProxy(t, s.addr)
	t.Cleanup(func() { s.http.Close() })
	return s
}

func (s *server) Start(t testing.TB) {
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	h := &http.Server{Handler: s}
	s.http = h
	go h.Serve(l)
}

func (s *server) Stop(t testing.TB) {
	if err := s.http.Close(); err != nil {
		t.Error(err)
	}
}

// url is where it is, with who we are.
func (s *server) url() string { return "http://sipedge:secret@" + s.Addr + "/some/path" }

func (s *server) make(name string, columns ...relation.Column) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tables[name] = &relation.Table{Columns: columns}
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	known := user == "sipedge" && password == "secret"
	if !known && r.Header.Get("Authorization") != "Bearer token" {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	name, ok := strings.CutPrefix(r.URL.EscapedPath(), "/some/path/")
	name, err := url.PathUnescape(strings.TrimSuffix(name, "/"))
	s.mu.Lock()
	defer s.mu.Unlock()
	table := s.tables[name]
	if table == nil || !ok || err != nil {
		http.Error(w, "no such table", http.StatusNotFound)
		return
	}
	reply, next := "", table
	switch {
	case r.Header.Get("Content-Type") == "application/json":
		reply, next, err = asked(table, r.Body)
	case r.Method == http.MethodGet:
		reply, err = selected(table, r.URL.RawQuery)
	default:
		reply, next, err = s.posted(table, r.Body)
	}
	switch {
	case errors.Is(err, backends.ErrExists):
		http.Error(w, err.Error(), http.StatusConflict)
	case err != nil:
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
	default:
		s.tables[name] = next
		io.WriteString(w, reply)
	}
}

// lists are the variables of a query; members are decoded after they were cut.
func lists(query string) (map[string][]string, error) {
	out := map[string][]string{}
	if query == "" {
		return out, nil
	}
	for _, part := range strings.Split(query, "&") {
		name, list, ok := strings.Cut(part, "=")
		if !ok {
			return nil, fmt.Errorf("%q is no variable", part)
		}
		for _, m := range strings.Split(list, ",") {
			text, err := url.QueryUnescape(m)
			if err != nil {
				return nil, err
			}
			out[name] = append(out[name], text)
		}
	}
	return out, nil
}

func member(text string) backends.Value {
	if text == "\x00" {
		return nil
	}
	return text
}

func whereOf(l map[string][]string) (out []backends.Where) {
	for i, k := range l["k"] {
		out = append(out, backends.Where{Column: k, Op: backends.Op(l["op"][i]),
			Value: member(l["v"][i])})
	}
	return out
}

func cellsOf(columns, values []string) (out []backends.Cell) {
	for i, c := range columns {
		out = append(out, backends.Cell{Column: c, Value: member(values[i])})
	}
	return out
}

var types = [...]string{relation.Text: "string", relation.Bytes: "blob", relation.Integer: "int",
	relation.Long: "bigint", relation.Real: "double", relation.Moment: "date"}

func selected(t *relation.Table, query string) (string, error) {
	l, err := lists(query)
	if err != nil {
		return "", err
	}
	q := backends.Select{Columns: l["c"], Where: whereOf(l)}
	if l["c"] == nil {
		for _, c := range t.Columns {
			q.Columns = append(q.Columns, c.Name)
		}
	}
	if o := l["o"]; o != nil {
		q.OrderBy = o[0]
	}
	rows, err := t.Select(q)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for i, c := range q.Columns {
		b.WriteString(types[t.Columns[t.Index(c)].Kind] + [...]string{";", "\n"}[(i+1)/len(q.Columns)])
	}
	for _, r := range rows {
		for i, v := range r {
			text := backends.Text(v)
			if strings.ContainsAny(text, ";\n|") || v != nil && text == "" {
				text = "|" + strings.ReplaceAll(text, "|", "||") + "|"
			}
			b.WriteString(text + [...]string{";", "\n"}[(i+1)/len(r)])
		}
	}
	return b.String(), nil
}

func (s *server) posted(t *relation.Table, body io.Reader) (reply string, next *relation.Table,
	err error) {
	b, err := io.ReadAll(body)
	if err != nil {
		return "", nil, err
	}
	l, err := lists(string(b))
	if err != nil {
		return "", nil, err
	}
	n := 0
	switch kind := l["query_type"]; kind[0] {
	case "insert":
		columns, values := backends.Split(cellsOf(l["k"], l["v"]))
		next, err = t.Insert(columns, []backends.Row{values})
		return "17", next, err // the last id, as it may be told
	case "update":
		next, n, err = t.Update(cellsOf(l["uk"], l["uv"]), whereOf(l))
	case "delete":
		next, n, err = t.Delete(whereOf(l))
	default:
		err = fmt.Errorf("query_type %q", kind)
	}
	if s.counts {
		reply = fmt.Sprintln(n)
	}
	return reply, next, err
}

func asked(t *relation.Table, body io.Reader) (string, *relation.Table, error) {
	var r Request
	if err := json.NewDecoder(body).Decode(&r); err != nil {
		return "", nil, err
	}
	var where []backends.Where
	for _, c := range r.Where {
		where = append(where, backends.Where{Column: c.Column, Op: c.Op, Value: c.Value.Value})
	}
	var set []backends.Cell
	for _, c := range r.Set {
		set = append(set, backends.Cell{Column: c.Column, Value: c.Value.Value})
	}
	raw := func(rows [][]Value) (out []backends.Row) {
		for _, r := range rows {
			row := make(backends.Row, len(r))
			for i, v := range r {
				row[i] = v.Value
			}
			out = append(out, row)
		}
		return out
	}
	var reply Reply
	var err error
	next := t
	switch r.Op {
	case "select":
		var rows []backends.Row
		rows, err = t.Select(backends.Select{Columns: r.Columns, Where: where, OrderBy: r.OrderBy,
			Limit: r.Limit, Offset: r.Offset})
		for _, row := range rows {
			values := make([]Value, len(row))
			for i, v := range row {
				values[i] = Value{v}
			}
			reply.Rows = append(reply.Rows, values)
		}
	case "insert":
		next, err = t.Insert(r.Columns, raw(r.Rows))
	case "update":
		next, reply.Changed, err = t.Update(set, where)
	case "delete":
		next, reply.Changed, err = t.Delete(where)
	case "upsert":
		next, err = t.Upsert(r.Key, set)
	default:
		err = fmt.Errorf("op %q", r.Op)
	}
	if err != nil {
		return "", nil, err
	}
	b, err := json.Marshal(reply)
	return string(b), next, err
}

// subject is the server under the suite.
func (s *server) subject(db backends.DB) backendtest.Subject {
	null := func(name string, k relation.Kind) relation.Column {
		return relation.Column{Name: name, Kind: k, Null: true}
	}
	return backendtest.Subject{
		DB: db, Server: s,
		Table: func(_ *testing.T, name string) {
			s.make(name, null("id", relation.Integer), null("name", relation.Text),
				null("body", relation.Text), null("raw", relation.Bytes), null("score", relation.Real),
				null("at", relation.Moment))
			s.tables[name].Unique = [][]string{{"name"}}
		},
		Make: func(_ *testing.T, t backends.Table) {
			var columns []relation.Column
			for _, c := range t.Columns {
				columns = append(columns, null(c.Name, relation.Text))
			}
			s.make(t.Name, columns...)
		},
	}
}
