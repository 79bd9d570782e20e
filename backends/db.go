package backends

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// DB is a database as OpenSIPS's modules see one: tables, columns, conditions joined by AND. Names
// of tables and columns come from the policy or from this program, values from anywhere: a
// driver never has a value become syntax.
type DB interface {
	Backend
	Changer
	Can() Capability
	// Select returns rows; none is no error.
	Select(ctx context.Context, q Select) ([]Row, error)
}

// Changer is the half of a DB that writes.
type Changer interface {
	// Insert adds rows, all or none. ErrExists: a unique key has one of them already.
	Insert(ctx context.Context, table string, columns []string, rows ...Row) error
	// Update changes the rows that where selects, and returns how many.
	Update(ctx context.Context, table string, set []Cell, where []Where) (int, error)
	// Delete removes the rows that where selects, and returns how many.
	Delete(ctx context.Context, table string, where []Where) (int, error)
	// Upsert updates the row that has the same values in the columns of key, or inserts it.
	Upsert(ctx context.Context, table string, key []string, row []Cell) error
}

// Capability is a set of what a DB can do; a call it can't do returns ErrUnsupported.
type Capability uint16

const (
	CanSelect Capability = 1 << iota
	CanInsert
	CanUpdate
	CanDelete
	CanUpsert
	CanRaw    // it is a Querier
	CanTx     // it is a Transactor
	CanNotify // it is a Notifier
	CanSerial // it is a Serializer
	CanBatch  // Insert takes more than one row
)

// Querier is a DB that takes statements as they are, with ? for its values in order.
type Querier interface {
	Query(ctx context.Context, statement string, values ...Value) ([]Row, error)
	Exec(ctx context.Context, statement string, values ...Value) (int, error)
}

// Transactor is a DB that can do several things or none.
type Transactor interface {
	// Tx commits what f did unless f returns an error. The DB is f's until it returns.
	Tx(ctx context.Context, f func(DB) error) error
}

// Serializer is a Transactor whose transactions can be as if none ran beside another.
type Serializer interface {
	// Serial is Tx. ErrConflict: another transaction was faster, and nothing was done.
	Serial(ctx context.Context, f func(DB) error) error
}

// Notifier is a DB that tells of changes.
type Notifier interface {
	// Notified calls f with nil once when it begins to be told, then for each change of table, and
	// once after each time it could not be told for a while, until ctx ends. An error is why it is
	// not told any more, or not yet; there may be several in a row. f is quick, and may be called
	// at the same time as itself.
	Notified(ctx context.Context, table string, f func(lost error)) error
}

// Select is a question.
type Select struct {
	Table   string
	Columns []string
	Where   []Where
	OrderBy string // a column, ascending; empty: any order
	Limit   int    // 0: all
	Offset  int
}

// Where is a condition on a column.
type Where struct {
	Column string
	Op     Op
	Value  Value
}

// Op compares a column with a value. Null equals only Null.
type Op string

const (
	Equal        Op = "="
	NotEqual     Op = "!="
	Less         Op = "<"
	LessEqual    Op = "<="
	Greater      Op = ">"
	GreaterEqual Op = ">="
)

// Check returns ErrRefused of what is no operator.
func (o Op) Check() error {
	switch o {
	case Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual:
		return nil
	}
	return fmt.Errorf("%w: %.40q is no operator", ErrRefused, string(o))
}

// Cell is a column and its value.
type Cell struct {
	Column string
	Value  Value
}

// OfKey are the conditions that select the row of an Upsert. ErrRefused: the row lacks a column of
// its key.
func OfKey(key []string, row []Cell) ([]Where, error) {
	where := make([]Where, len(key))
	for i, k := range key {
		j := slices.IndexFunc(row, func(c Cell) bool { return c.Column == k })
		if j < 0 {
			return nil, fmt.Errorf("%w: the row has no column %q of its key", ErrRefused, k)
		}
		where[i] = Where{Column: k, Op: Equal, Value: row[j].Value}
	}
	return where, nil
}

// UpdateOrInsert is Upsert by other calls: one round trip for a row that is there, and no unique
// index is needed. Unless it is inside a transaction, a row that somebody else was faster to insert
// is updated.
func UpdateOrInsert(ctx context.Context, c Changer, inside bool, table string, key []string,
	row []Cell) error {
	where, err := OfKey(key, row)
	if err != nil {
		return err
	}
	n, err := c.Update(ctx, table, row, where)
	if err != nil || n > 0 {
		return err
	}
	columns, values := Split(row)
	err = c.Insert(ctx, table, columns, values)
	if errors.Is(err, ErrExists) && !inside {
		_, err = c.Update(ctx, table, row, where)
	}
	return err
}

// Split takes columns and values apart.
func Split(row []Cell) (columns []string, values Row) {
	columns, values = make([]string, len(row)), make(Row, len(row))
	for i, c := range row {
		columns[i], values[i] = c.Column, c.Value
	}
	return columns, values
}

// Row has a value for each column that was asked for, in that order.
type Row []Value

// Value is one of a cell: nil, int64, float64, string, []byte or time.Time (UTC, to the second).
type Value any
