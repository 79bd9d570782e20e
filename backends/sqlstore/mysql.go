package sqlstore

import "sipedge/backends"

// MySQL is the dialect of MySQL and MariaDB. Number is that of an error; false: it is not the
// server's, which could not answer.
func MySQL(number func(error) (int, bool)) *Dialect {
	return &Dialect{
		Quote: "`", Answer: numbered(number, answerMySQL),
		Types: map[backends.ColumnType]string{
			backends.Serial:   "BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY",
			backends.Name:     "VARCHAR(%d)",
			backends.LongText: "TEXT",
			backends.Integer:  "BIGINT",
			backends.Real:     "DOUBLE",
			backends.Moment:   "DATETIME",
		},
		Suffix: " ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
	}
}

// numbered is Dialect.Answer of databases whose errors have numbers.
func numbered(number func(error) (int, bool), answer func(int) error) func(error) error {
	return func(err error) error {
		n, ok := number(err)
		if !ok {
			return nil
		}
		return answer(n)
	}
}

// Errors of the server, by number.
const (
	tooManyConnections = 1040
	accessDenied       = 1045
	unknownDatabase    = 1049
	serverShutdown     = 1053
	unknownColumn      = 1054
	duplicateEntry     = 1062
	diskFull           = 1021
	noSuchTable        = 1146
	hostBlocked        = 1129
	tooManyUserConns   = 1203
	lockWait           = 1205
	deadlock           = 1213
	readOnly           = 1290
	killed             = 1317
	needsReprepare     = 1615
	connectionKilled   = 1927
	statementTimeout   = 1969 // MariaDB
)

// Errors of client libraries, by number.
const (
	firstOfClient = 2000
	lastOfClient  = 2999
)

func answerMySQL(number int) error {
	if number >= firstOfClient && number <= lastOfClient {
		return nil
	}
	switch number {
	case duplicateEntry:
		return backends.ErrExists
	case deadlock:
		return backends.ErrConflict
	case noSuchTable, unknownColumn, needsReprepare:
		return ErrStale
	case tooManyConnections, accessDenied, unknownDatabase, serverShutdown, diskFull, hostBlocked,
		tooManyUserConns, lockWait, readOnly, killed, connectionKilled, statementTimeout:
		return nil
	}
	return backends.ErrRefused
}
