package fault

import (
	"errors"
	"fmt"
	"testing"

	"sipedge/router/nexthop"
	"sipedge/sip/resolve"
)

func TestOfHop(t *testing.T) {
	for err, want := range map[error]*Fault{
		nexthop.ErrScheme:                         Scheme,
		resolve.ErrNotFound:                       NotFound,
		fmt.Errorf("x: %w", resolve.ErrTransport): Unreachable,
		resolve.ErrBudget:                         Unresolved,
		errors.New("refused"):                     Unresolved,
	} {
		if got := OfHop(err); got != want {
			t.Errorf("%v: got %+v", err, got)
		}
	}
}
