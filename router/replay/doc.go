// Package replay runs recorded requests through two policies and tells those whose
// fate differs. Each request is decided by itself, by the real router (package
// scene), at the time it was recorded; what counts is what happens at once.
// Its one law: every message that was read is counted once, for what became of it.
package replay
