package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"sipedge/cmd/sipedge/internal/ctlsocket"
	"sipedge/router"
	"sipedge/schema"
	"sipedge/sip/transport"
	"sipedge/sip/transport/tls"
)

// Subject is what Online looks at: a policy without mistakes and the transports of this build.
type Subject struct {
	Doc     *schema.Document
	Policy  *router.Policy
	Drivers transport.Drivers
	Env     func(name string) (value string, set bool) // ${env.NAME} in secrets
}

// checks are what serve will need of the host and the network. What else a policy comes to
// depend on has its check here.
var checks = []func(context.Context, *Subject) schema.Diagnostics{
	checkListeners, checkAdmin, checkSocket, checkNames, checkBackends, checkCertificates,
}

// Online opens what serve would open and asks whom it would ask, as serve does it, and lets go
// of it again. It returns soon after ctx has ended; what did not answer by then is a problem.
func Online(ctx context.Context, s *Subject) schema.Diagnostics {
	found := make([]schema.Diagnostics, len(checks))
	var all sync.WaitGroup
	for i, check := range checks {
		all.Go(func() { found[i] = check(ctx, s) })
	}
	all.Wait()
	diags := slices.Concat(found...)
	diags.Sort()
	return diags
}

// checkListeners binds each by itself: that none is in another's way has been proved.
func checkListeners(ctx context.Context, s *Subject) (diags schema.Diagnostics) {
	cfg := sockets(s.Doc, tls.NewStore()) // nobody is greeted
	for i, l := range cfg.Listeners {
		one := cfg
		one.Listeners = []transport.Listener{l}
		m, err := transport.NewManager(one, s.Drivers)
		if err != nil {
			src := s.Doc.Listen[i]
			diags = append(diags, unbound(src.Transport, src.Addr, src.Pos, err))
			continue
		}
		_ = m.Close(ctx) // nothing was read or sent
	}
	return diags
}

func checkAdmin(_ context.Context, s *Subject) schema.Diagnostics {
	admin := s.Doc.Admin
	l, err := listenAdmin(admin.Addr)
	if err != nil {
		return schema.Diagnostics{unadministered(&admin, err)}
	}
	if l != nil {
		_ = l.Close()
	}
	return nil
}

// checkSocket binds the socket that the policy names. A folder that is not there is made by serve,
// whoever that runs as.
func checkSocket(_ context.Context, s *Subject) schema.Diagnostics {
	path, set := ctlsocket.Path(&s.Doc.Admin, ""), s.Doc.Admin.Socket
	if path == "" {
		return nil
	}
	if _, err := os.Stat(filepath.Dir(path)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	l, err := ctlsocket.Listen(path)
	if err == nil {
		_ = l.Close()
		return nil
	}
	d := unbound("socket", set.S, set.Pos, err)
	if errors.Is(err, ctlsocket.ErrInUse) {
		d.Code, d.Severity = schema.AddressInUse, schema.Warning
		d.Message = fmt.Sprintf("socket %s is in use", set.S)
		d.Hint = "by a server that runs by this policy, perhaps: `sipedge ctl uptime` tells"
	}
	return schema.Diagnostics{d}
}
