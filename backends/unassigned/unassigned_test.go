package unassigned

import (
	"errors"
	"strings"
	"testing"

	"sipedge/backends"
	"sipedge/schema"
)

// Whatever is asked, it can't answer, and says why.
func TestCalls(t *testing.T) {
	b, _ := Driver.Open(&backends.Opening{Name: "billing"})
	db := b.(backends.DB)
	ctx, where := t.Context(), []backends.Where{{Column: "a", Op: backends.Equal, Value: "b"}}
	cells := []backends.Cell{{Column: "a", Value: "b"}}
	_, selected := db.Select(ctx, backends.Select{Table: "t", Columns: []string{"a"}, Where: where})
	_, updated := db.Update(ctx, "t", cells, where)
	_, deleted := db.Delete(ctx, "t", where)
	_, user := backends.SubscribersOf(db, &schema.Value{}).Credential(ctx, "alice", "", "")
	for call, err := range map[string]error{
		"ping": db.Ping(ctx), "select": selected, "update": updated, "delete": deleted,
		"insert": db.Insert(ctx, "t", []string{"a"}, backends.Row{"b"}),
		"upsert": db.Upsert(ctx, "t", []string{"a"}, cells), "subscriber": user,
	} {
		const want = "billing: backend unavailable: it is not configured"
		if !errors.Is(err, backends.ErrUnavailable) || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", call, err, want)
		}
	}
}
