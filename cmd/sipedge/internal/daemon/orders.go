package daemon

import (
	"context"
	"errors"
	"net/http"

	"sipedge/cmd/sipedge/internal/control"
	"sipedge/schema"
)

// orders are what Run is told by other goroutines: it alone reloads and ends.
type orders struct {
	reload, end chan order // those that end the server do not wait for a reload
}

func newOrders() orders { return orders{make(chan order), make(chan order)} }

type order struct {
	kind orderKind
	done chan result // room for one
}

type orderKind uint8

const (
	toReload orderKind = iota
	toDrain
	toStop
)

// result is what became of an order.
type result struct {
	generation int64
	problems   Problems // warnings of the policy that runs
	err        error
}

// give has Run carry out an order, and returns when it has, or has begun to end.
func (d *Daemon) give(ctx context.Context, kind orderKind) (result, error) {
	o, to := order{kind, make(chan result, 1)}, d.orders.end
	if kind == toReload {
		to = d.orders.reload
	}
	select {
	case to <- o:
	case <-ctx.Done():
		return result{}, ctx.Err()
	}
	select {
	case r := <-o.done:
		return r, nil
	case <-ctx.Done():
	}
	select {
	case r := <-o.done: // it was the order that ended ctx
		return r, nil
	default:
		return result{}, ctx.Err()
	}
}

func (d *Daemon) orderReload(ctx context.Context) (*control.Reload, error) {
	done, err := d.give(ctx, toReload)
	if err != nil {
		return nil, err
	}
	if done.err != nil {
		return nil, refusal(done.err)
	}
	return &control.Reload{
		Generation: done.generation, Problems: problems(done.problems.Diagnostics),
		Text: done.problems.Text(done.problems.Source),
	}, nil
}

// refusal tells why a policy was not taken.
func refusal(err error) *control.Error {
	e := &control.Error{Status: http.StatusBadGateway, Detail: err.Error()}
	if p, ok := errors.AsType[*Problems](err); ok {
		e.Status, e.Text = http.StatusUnprocessableEntity, p.Text(p.Source)
		e.Problems = problems(p.Diagnostics)
	} else if _, ok := errors.AsType[*unfitError](err); ok {
		e.Status = http.StatusUnprocessableEntity
	} else if err == errDraining {
		e.Status = http.StatusConflict
	}
	return e
}

func problems(diags schema.Diagnostics) []control.Problem {
	list := make([]control.Problem, len(diags))
	for i, d := range diags {
		list[i] = control.Problem{
			File: d.Pos.File, Line: d.Pos.Line, Column: d.Pos.Col, End: d.End,
			Severity: d.Severity.String(), Code: d.Code.String(), Message: d.Message, Hint: d.Hint,
		}
	}
	return list
}

func (d *Daemon) orderDrain(ctx context.Context) (*control.Drain, error) {
	_, err := d.give(ctx, toDrain)
	return &control.Drain{
		State: "draining", Live: d.router.UnderWay(), Bound: d.cfg.Drain.Seconds(),
	}, err
}

func (d *Daemon) orderStop(ctx context.Context) (*control.Drain, error) {
	_, err := d.give(ctx, toStop)
	return &control.Drain{State: "stopping", Live: d.router.UnderWay()}, err
}
