package bolt

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"sipedge/backends"
	"sipedge/backends/relation"
)

// A table is a bucket: under "table" what it is, in JSON; in the bucket "rows" its rows by number,
// eight bytes; in a bucket for each index the values of its columns and the number of the row, with
// nothing behind.
var (
	nameOfTable = []byte("table")
	nameOfRows  = []byte("rows")
)

// layout is what a table is, as the file has it.
type layout struct {
	Columns []relation.Column
	Unique  [][]string // indexes that have no values twice
	Index   [][]string // others
}

// indexes are all, the unique ones first.
func (l *layout) indexes() [][]string { return slices.Concat(l.Unique, l.Index) }

// table is one in a transaction.
type table struct {
	relation.Table
	bucket, rows *bbolt.Bucket
	indexes      []index
}

type index struct {
	*bbolt.Bucket
	at     []int // columns
	unique bool
}

// find opens a table. ErrRefused: there is none.
func find(tx *bbolt.Tx, name string) (*table, error) {
	var b *bbolt.Bucket
	if name != "" {
		b = tx.Bucket([]byte(name))
	}
	if b == nil {
		return nil, fmt.Errorf("%w: no table %.40q", backends.ErrRefused, name)
	}
	var l layout
	if err := json.Unmarshal(b.Get(nameOfTable), &l); err != nil {
		return nil, fmt.Errorf("table %s: %w", name, err)
	}
	t := &table{Table: relation.Table{Columns: l.Columns}, bucket: b, rows: b.Bucket(nameOfRows)}
	for i, names := range l.indexes() {
		x := index{Bucket: b.Bucket(indexName(names)), unique: i < len(l.Unique)}
		for _, n := range names {
			x.at = append(x.at, t.Index(n))
		}
		t.indexes = append(t.indexes, x)
	}
	return t, nil
}

func indexName(columns []string) []byte {
	name := []byte("index")
	for _, c := range columns {
		name = append(append(name, ' '), c...)
	}
	return name
}

// create makes a table.
func create(tx *bbolt.Tx, name string, l layout) error {
	b, err := tx.CreateBucket([]byte(name))
	if err != nil {
		return err
	}
	if _, err := b.CreateBucket(nameOfRows); err != nil {
		return err
	}
	for _, columns := range l.indexes() {
		if _, err := b.CreateBucketIfNotExists(indexName(columns)); err != nil {
			return err
		}
	}
	return describe(b, l)
}

func describe(b *bbolt.Bucket, l layout) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return b.Put(nameOfTable, text)
}

// appendKey appends a value so that no value runs into the next.
func appendKey(b []byte, v backends.Value) []byte {
	if v == nil {
		return append(b, 0)
	}
	text := backends.Text(v)
	b = binary.AppendUvarint(append(b, 1), uint64(len(text)))
	return append(b, text...)
}

// key is that of a row, without its number. null: one of the values is NULL.
func (x *index) key(r backends.Row) (key []byte, null bool) {
	for _, i := range x.at {
		key, null = appendKey(key, r[i]), null || r[i] == nil
	}
	return key, null
}

func numbered(key []byte, id uint64) []byte { return binary.BigEndian.AppendUint64(key, id) }

// put writes a row and its keys.
func (t *table) put(id uint64, r backends.Row) error {
	for _, x := range t.indexes {
		key, null := x.key(r)
		if found, _ := x.Cursor().Seek(key); x.unique && !null && bytes.HasPrefix(found, key) {
			return fmt.Errorf("%w: a row with these values", backends.ErrExists)
		}
		if err := x.Put(numbered(key, id), nil); err != nil {
			return fmt.Errorf("%w: %w", backends.ErrRefused, err) // it is too long
		}
	}
	return t.rows.Put(numbered(nil, id), appendRow(nil, r))
}

// remove takes a row and its keys away.
func (t *table) remove(id uint64, r backends.Row) error {
	for _, x := range t.indexes {
		key, _ := x.key(r)
		if err := x.Bucket.Delete(numbered(key, id)); err != nil {
			return err
		}
	}
	return t.rows.Delete(numbered(nil, id))
}

func (t *table) insert(columns []string, values backends.Row) error {
	row, err := t.Row(columns, values)
	if err != nil {
		return err
	}
	id, err := t.rows.NextSequence()
	if err != nil {
		return err
	}
	if auto := t.Auto(); auto >= 0 {
		if row[auto] == nil {
			row[auto] = int64(id)
		}
		if n := row[auto].(int64); n > int64(id) { // the next one is greater
			if err := t.rows.SetSequence(uint64(n)); err != nil {
				return err
			}
		}
	}
	return t.put(id, row)
}

func (t *table) update(set []backends.Cell, where []backends.Where) (int, error) {
	f, err := t.find(where)
	if err != nil {
		return 0, err
	}
	found := relation.Table{Columns: t.Columns, Rows: f.rows}
	next, n, err := found.Update(set, where)
	if err != nil {
		return 0, err
	}
	for i, old := range f.rows { // all of them, then new ones: rows may change places
		if err := t.remove(f.ids[i], old); err != nil {
			return 0, err
		}
	}
	for i, r := range next.Rows {
		if err := t.put(f.ids[i], r); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// found are rows and their numbers.
type found struct {
	ids  []uint64
	rows []backends.Row
}

// find returns the rows that where selects: by the index of which it tells most columns, or by
// looking at all.
func (t *table) find(where []backends.Where) (f found, err error) {
	holds, err := t.Filter(where)
	if err != nil {
		return f, err
	}
	take := func(k, v []byte) error {
		row, err := parseRow(v, len(t.Columns))
		if err == nil && holds(row) {
			f.ids, f.rows = append(f.ids, binary.BigEndian.Uint64(k)), append(f.rows, row)
		}
		return err
	}
	best, prefix, err := t.best(where)
	if err != nil {
		return f, err
	}
	if best == nil {
		return f, t.rows.ForEach(take)
	}
	c := best.Cursor()
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		id := k[len(k)-8:]
		if err := take(id, t.rows.Get(id)); err != nil {
			return f, err
		}
	}
	return f, nil
}

// best is the index whose first columns where tells, most of them, and how its keys begin.
func (t *table) best(where []backends.Where) (best *index, prefix []byte, err error) {
	most := 0
	for i := range t.indexes {
		x := &t.indexes[i]
		var p []byte
		n := 0
		for _, at := range x.at {
			j := slices.IndexFunc(where, func(w backends.Where) bool {
				return w.Op == backends.Equal && w.Column == t.Columns[at].Name
			})
			if j < 0 {
				break
			}
			v, err := t.Columns[at].Fit(where[j].Value)
			if err != nil {
				return nil, nil, err
			}
			p, n = appendKey(p, v), n+1
		}
		if n > most {
			best, prefix, most = x, p, n
		}
	}
	return best, prefix, nil
}
