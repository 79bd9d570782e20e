package control

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"sipedge/router/data"
)

// Rows are some of a table, a page of them.
type Rows struct {
	Table string `json:"table" doc:"In the policy."`
	Rows  []Row  `json:"rows" doc:"Of a cache in any order, else as they were given."`
	Next  string `json:"next,omitempty" doc:"Where the next page begins; there is none of the last."`
}

// Row is one of a table.
type Row struct {
	Key   string  `json:"key" doc:"As it is kept: a long one of a cache is its SHA-256."`
	Value string  `json:"value" doc:"What a look-up gives."`
	Left  float64 `json:"left,omitempty" doc:"Seconds until it goes, of a cache."`
}

// Entry is what is put into a cache.
type Entry struct {
	Value string  `json:"value" doc:"At most 1024 bytes."`
	TTL   float64 `json:"ttl_seconds,omitempty" doc:"How long; as the cache says unless given."`
}

// RowsRemoved is how many are gone.
type RowsRemoved struct {
	Removed int `json:"removed" doc:"Keys."`
}

// How many rows a page has, unless and at most.
const (
	pageRows = 100
	maxRows  = 1000
)

func rowOf(r *data.Row) Row {
	return Row{Key: string(r.Key), Value: string(r.Value), Left: r.Left.Seconds()}
}

// table is the one that a request names. One of rates has rows of another form.
func (s *Server) table(r *http.Request) (*data.Table, error) {
	name := r.Form.Get("table")
	t := s.Router.Tables().Get(name)
	switch {
	case t == nil:
		return nil, refuse(http.StatusNotFound, "the policy has no table %q", name)
	case t.Kind() == data.Rates:
		return nil, refuse(http.StatusConflict,
			"%s is a table of rates: `sipedge ctl lcr show` tells of the rows that a number meets", name)
	}
	return t, nil
}

// cache is the one that a request names.
func (s *Server) cache(r *http.Request) (*data.Table, *data.Cache, error) {
	t, err := s.table(r)
	if err == nil && t.Cache() == nil {
		err = refuse(http.StatusConflict, "%s is no cache: its rows are those of %s", t.Name(),
			t.About().Source)
	}
	if err != nil {
		return nil, nil, err
	}
	return t, t.Cache(), nil
}

func (s *Server) tellRows(_ http.ResponseWriter, r *http.Request) (any, error) {
	t, err := s.table(r)
	if err != nil {
		return nil, err
	}
	left, from := pageRows, uint64(0)
	if text := r.Form.Get("limit"); text != "" {
		if left, err = strconv.Atoi(text); err != nil || left < 1 || left > maxRows {
			return nil, refuse(http.StatusBadRequest, "limit is a number from 1 to %d, not %q", maxRows,
				text)
		}
	}
	if text := r.Form.Get("from"); text != "" {
		if from, err = strconv.ParseUint(text, 10, 64); err != nil {
			return nil, refuse(http.StatusBadRequest, "from is the `next` of another page, not %q", text)
		}
	}
	done, err := s.turn(r.Context()) // few may begin with the prefix
	if err != nil {
		return nil, err
	}
	defer done()
	page := &Rows{Table: t.Name(), Rows: []Row{}}
	next := t.Rows(from, []byte(r.Form.Get("prefix")), time.Now(), func(row *data.Row) bool {
		page.Rows = append(page.Rows, rowOf(row))
		left--
		return left > 0
	})
	if next != 0 {
		page.Next = strconv.FormatUint(next, 10)
	}
	return page, nil
}

func (s *Server) tellRow(_ http.ResponseWriter, r *http.Request) (any, error) {
	t, err := s.table(r)
	if err != nil {
		return nil, err
	}
	key := r.Form.Get("key")
	if c := t.Cache(); c != nil {
		key, _ = c.Key(key)
	}
	return find(t, key)
}

// find tells by which row a table finds a key.
func find(t *data.Table, key string) (any, error) {
	row, ok := t.Find([]byte(key), time.Now())
	if !ok {
		return nil, refuse(http.StatusNotFound, "%s has no %q", t.Name(), key)
	}
	told := rowOf(&row)
	return &told, nil
}

func (s *Server) putRow(_ http.ResponseWriter, r *http.Request) (any, error) {
	t, c, err := s.cache(r)
	if err != nil {
		return nil, err
	}
	var e Entry
	if err := readBody(r, &e); err != nil {
		return nil, err
	}
	if e.TTL < 0 {
		return nil, refuse(http.StatusBadRequest, "%v seconds are no time to stay", e.TTL)
	}
	ttl := time.Duration(min(e.TTL, math.MaxUint32) * float64(time.Second)) // it holds that
	key, sought := c.Key(r.Form.Get("key"))
	if !sought {
		return nil, refuse(http.StatusBadRequest,
			"%q is no address: the policy looks up nothing else in %s", key, t.Name())
	}
	err = c.Put([]byte(key), []byte(e.Value), ttl, time.Now())
	if errors.Is(err, data.ErrLong) {
		err = refuse(http.StatusBadRequest, "%v", err)
	}
	if err != nil {
		return nil, err
	}
	return find(t, key)
}

func (s *Server) removeRow(_ http.ResponseWriter, r *http.Request) (any, error) {
	t, c, err := s.cache(r)
	if err != nil {
		return nil, err
	}
	key, _ := c.Key(r.Form.Get("key"))
	if !c.Remove([]byte(key), time.Now()) {
		return nil, refuse(http.StatusNotFound, "%s has no %q", t.Name(), key)
	}
	return &RowsRemoved{1}, nil
}

func (s *Server) flushRows(_ http.ResponseWriter, r *http.Request) (any, error) {
	_, c, err := s.cache(r)
	if err != nil {
		return nil, err
	}
	return &RowsRemoved{c.Flush(time.Now())}, nil
}
