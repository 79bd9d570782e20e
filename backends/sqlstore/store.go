package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync"
	"time"

	"sipedge/backends"
)

const (
	maxStatements = 256  // kept prepared; more are prepared anew each time
	maxBound      = 3000 // values of one statement; SQLite takes 32766, the others more
	maxIdle       = 5 * time.Minute
)

// Store is a backends.DB with statements, transactions, and every capability but CanNotify.
type Store struct {
	db *sql.DB
	run
}

// New makes a store that opens connections by c, at most as many as limits has calls at once.
func New(c driver.Connector, d *Dialect, limits backends.Limits) *Store {
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(limits.Calls)
	db.SetMaxIdleConns(limits.Calls)
	db.SetConnMaxIdleTime(maxIdle)
	shared := &shared{prepared: map[string]*sql.Stmt{}, tables: map[string]columns{}}
	return &Store{db, run{Dialect: d, shared: shared, db: db, to: db}}
}

func (s *Store) Ping(ctx context.Context) error { return s.told(s.db.PingContext(ctx)) }

func (s *Store) Close() error { return s.db.Close() }

// Tx runs f in a transaction.
func (s *Store) Tx(ctx context.Context, f func(backends.DB) error) error {
	return s.transaction(ctx, nil, f)
}

// Serial runs f in a transaction as if no other ran beside it.
func (s *Store) Serial(ctx context.Context, f func(backends.DB) error) error {
	return s.transaction(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable}, f)
}

func (s *Store) transaction(
	ctx context.Context, o *sql.TxOptions, f func(backends.DB) error,
) error {
	tx, err := s.db.BeginTx(ctx, o)
	if err != nil {
		return s.told(err)
	}
	inside := s.run
	inside.tx, inside.to, inside.again = tx, tx, map[string]*sql.Stmt{}
	err = f(&Store{s.db, inside})
	if err != nil {
		return errors.Join(err, s.told(tx.Rollback()))
	}
	return s.told(tx.Commit())
}

// Insert adds rows, however many, in one transaction.
func (s *Store) Insert(ctx context.Context, table string, columns []string,
	rows ...backends.Row) error {
	bound := cmp.Or(s.Bound, maxBound)
	batch := max(1, bound/max(1, len(columns)))
	if len(rows) <= batch || s.tx != nil {
		return s.insert(ctx, table, columns, rows, batch)
	}
	return s.Tx(ctx, func(db backends.DB) error { return db.Insert(ctx, table, columns, rows...) })
}

// Upsert updates the row, else inserts it.
func (s *Store) Upsert(ctx context.Context, table string, key []string, row []backends.Cell) error {
	return backends.UpdateOrInsert(ctx, s, s.tx != nil, table, key, row)
}

// run runs statements, in a transaction or not.
type run struct {
	*Dialect
	*shared
	db *sql.DB // to learn and prepare by
	to interface {
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	}
	tx    *sql.Tx              // nil: none
	again map[string]*sql.Stmt // of tx: statements that ran; nil: not prepared yet
}

// columns are the kinds of a table's, by lower-case name.
type columns map[string]kind

// shared is what was learnt from the database.
type shared struct {
	mu       sync.Mutex
	prepared map[string]*sql.Stmt
	tables   map[string]columns
}

func (r *run) Can() backends.Capability {
	return backends.CanSelect | backends.CanInsert | backends.CanUpdate | backends.CanDelete |
		backends.CanUpsert | backends.CanRaw | backends.CanTx | backends.CanSerial | backends.CanBatch
}

func (r *run) Select(ctx context.Context, q backends.Select) ([]backends.Row, error) {
	s, err := r.build(ctx, q.Table, func(s *statement) { s.sel(q) })
	if err != nil {
		return nil, err
	}
	return r.query(ctx, s.String(), s.args)
}

func (r *run) Update(ctx context.Context, table string, set []backends.Cell,
	where []backends.Where) (int, error) {
	s, err := r.build(ctx, table, func(s *statement) { s.update(table, set, where) })
	if err != nil {
		return 0, err
	}
	return r.exec(ctx, s.String(), s.args)
}

func (r *run) Delete(ctx context.Context, table string, where []backends.Where) (int, error) {
	s, err := r.build(ctx, table, func(s *statement) { s.delete(table, where) })
	if err != nil {
		return 0, err
	}
	return r.exec(ctx, s.String(), s.args)
}

func (r *run) insert(ctx context.Context, table string, columns []string, rows []backends.Row,
	batch int) error {
	for len(rows) > 0 {
		n := min(batch, len(rows))
		s, err := r.build(ctx, table, func(s *statement) { s.insert(table, columns, rows[:n]) })
		if err != nil {
			return err
		}
		if n == 1 {
			_, err = r.exec(ctx, s.String(), s.args)
		} else { // as many statements as there are numbers of rows: not worth keeping
			_, err = r.to.ExecContext(ctx, s.String(), s.args...)
			err = r.told(err)
		}
		if err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// Query runs a statement with ? for its values.
func (r *run) Query(ctx context.Context, statement string, values ...backends.Value) (
	[]backends.Row, error) {
	statement, args, err := r.raw(statement, values)
	if err != nil {
		return nil, err
	}
	return r.query(ctx, statement, args)
}

// Exec runs a statement with ? for its values, and returns how many rows it changed.
func (r *run) Exec(ctx context.Context, statement string, values ...backends.Value) (int, error) {
	statement, args, err := r.raw(statement, values)
	if err != nil {
		return 0, err
	}
	return r.exec(ctx, statement, args)
}
