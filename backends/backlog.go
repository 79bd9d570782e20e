package backends

import "time"

// Backlogged is a store that acknowledges changes before its database has them.
type Backlogged interface {
	Backlog() Backlog
}

// Backlog is what of a store waits for its database, at a moment.
type Backlog struct {
	Waiting  int           // addresses of record that changed
	Age      time.Duration // since when the first waits
	Batches  uint64        // written
	Failures uint64        // batches the database did not take
	Refused  uint64        // changes refused since too many waited

	Journal         int64 // bytes on the disk
	JournalRecords  uint64
	JournalFlushes  uint64
	JournalFailures uint64 // batches and snapshots the disk did not take
}
