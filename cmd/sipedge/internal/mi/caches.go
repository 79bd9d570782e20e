package mi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"sipedge/cmd/sipedge/internal/control"
)

// ofCaches are the methods of cachedb. A cache system is a cache of the policy, by its name.
var ofCaches = []Method{
	{Name: "cache_store", Help: "Puts a key into a cache. It stays for expire seconds; for as long " +
		"as the cache says unless given, or 0: nothing stays for ever.",
		Params: []string{"system", "attr", "value", "expire"}, Need: 3, do: storeKey},
	{Name: "cache_fetch", Help: "The value of a key of a cache; of another table that of the row " +
		"by which a look-up finds the key.",
		Params: []string{"system", "attr"}, Need: 2, do: fetchKey},
	{Name: "cache_remove", Help: "Removes a key of a cache; done too when there is none.",
		Params: []string{"system", "attr"}, Need: 2, do: removeKey},
}

// keyed is the query for a key. OpenSIPS writes a system as driver:name.
func (p params) keyed() url.Values {
	name := p["system"]
	if _, after, ok := strings.Cut(name, ":"); ok {
		name = after
	}
	return url.Values{"table": {name}, "key": {p["attr"]}}
}

func storeKey(ctx context.Context, to *control.Client, p params) (any, error) {
	e := control.Entry{Value: p["value"]}
	if text := p["expire"]; text != "" {
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return nil, bad("expire is a number of seconds, not %q", text)
		}
		e.TTL = float64(n)
	}
	return done, to.Do(ctx, "put_row", p.keyed(), e, new(control.Row))
}

func fetchKey(ctx context.Context, to *control.Client, p params) (any, error) {
	var r control.Row
	if err := to.Do(ctx, "row", p.keyed(), nil, &r); err != nil {
		return nil, err
	}
	return struct {
		Key   string `json:"key"`
		Value string `json:"value"`
	}{p["attr"], r.Value}, nil
}

func removeKey(ctx context.Context, to *control.Client, p params) (any, error) {
	q := p.keyed()
	err := to.Do(ctx, "remove_row", q, nil, new(control.RowsRemoved))
	if e, ok := errors.AsType[*control.Error](err); ok && e.Status == http.StatusNotFound {
		// Of the key, or of the cache.
		q = url.Values{"table": q["table"], "limit": {"1"}}
		err = to.Do(ctx, "rows", q, nil, new(control.Rows))
	}
	return done, err
}
