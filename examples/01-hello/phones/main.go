// Command phones is two SIP phones, RFC 3261 §13: alice calls bob through a proxy and hangs up.
// Its one law: exit code 0 means that every message of the call arrived where it belongs.
package main

import (
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"time"
)

func main() {
	proxy := flag.String("proxy", "127.0.0.1:5060", "address of the proxy, UDP")
	patience := flag.Duration("patience", 5*time.Second, "how long to wait for each message")
	flag.Parse()
	addr, err := netip.ParseAddrPort(*proxy)
	if err != nil {
		fmt.Fprintln(os.Stderr, "phones: -proxy:", err)
		os.Exit(2)
	}
	if err := call(addr, *patience); err != nil {
		fmt.Fprintln(os.Stderr, "phones:", err)
		os.Exit(1)
	}
	fmt.Println("the call was set up and ended")
}

// call lets bob answer in a goroutine of his own while alice calls.
func call(proxy netip.AddrPort, patience time.Duration) error {
	l := newLadder(os.Stdout)
	alice, err := newPhone("alice", proxy, patience, l)
	if err != nil {
		return err
	}
	defer alice.hangUp()
	bob, err := newPhone("bob", proxy, patience, l)
	if err != nil {
		return err
	}
	defer bob.hangUp()
	l.begin(alice.addr, proxy, bob.addr)
	answered := make(chan error, 1)
	go func() { answered <- bob.answer() }()
	if err := alice.call(bob.addr); err != nil {
		return errors.Join(err, alice.hint())
	}
	return <-answered
}
