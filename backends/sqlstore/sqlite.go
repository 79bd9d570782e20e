package sqlstore

import "sipedge/backends"

// SQLite is the dialect of SQLite. Number is the extended code of an error; false: it is none of
// the database. Names are between backquotes: what SQLite doesn't know between double quotes is a
// text.
func SQLite(number func(error) (int, bool)) *Dialect {
	return &Dialect{
		Quote: "`", TextTimes: true, Answer: numbered(number, answerSQLite),
		Types: map[backends.ColumnType]string{
			backends.Serial:   "INTEGER PRIMARY KEY AUTOINCREMENT",
			backends.Name:     "VARCHAR(%d)",
			backends.LongText: "TEXT",
			backends.Integer:  "INTEGER",
			backends.Real:     "REAL",
			backends.Moment:   "DATETIME",
		},
	}
}

// Codes of SQLite: primary ones, and extended ones of a constraint.
const (
	codeError      = 1
	codeSchema     = 17
	codeTooBig     = 18
	codeConstraint = 19
	codeMismatch   = 20
	codeRange      = 25

	codePrimaryKey = codeConstraint | 6<<8
	codeUnique     = codeConstraint | 8<<8
	codeRowID      = codeConstraint | 10<<8
)

func answerSQLite(code int) error {
	switch code {
	case codePrimaryKey, codeUnique, codeRowID:
		return backends.ErrExists
	}
	switch code & 0xff { // the primary code of an extended one
	case codeError, codeSchema:
		return ErrStale
	case codeConstraint, codeMismatch, codeTooBig, codeRange:
		return backends.ErrRefused
	}
	return nil
}
