// Package journal keeps records in files so that a crash loses none that was acknowledged.
// Its one law: Append returns when the record is on the disk, and what is read back is what was
// appended, in its order, without what a crash left half written.
package journal
