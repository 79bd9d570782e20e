package backends

import "context"

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

// Notifier is a DB that tells of changes.
type Notifier interface {
	// Notified calls f once when it begins to be told, then for each change of table, and once
	// after each time it could not be told for a while, until ctx ends.
	Notified(ctx context.Context, table string, f func()) error
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

// Cell is a column and its value.
type Cell struct {
	Column string
	Value  Value
}

// Row has a value for each column that was asked for, in that order.
type Row []Value

// Value is one of a cell: nil, int64, float64, string, []byte or time.Time (UTC, to the second).
type Value any
