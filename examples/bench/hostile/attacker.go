package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strconv"

	"sipedge/examples/bench/attack"
)

// attacker is the other process: attack NAME ADDRESS RATE. A line of its input begins the attack,
// and the next one ends it, which it answers with what it has done so far, in JSON.
func attacker(args []string) error {
	if len(args) != 3 {
		return errors.New("usage: attack NAME ADDRESS RATE")
	}
	chosen, err := choose(args[0])
	if err != nil {
		return err
	}
	rate, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	r := attack.New(chosen[0], args[1], rate)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		more := in.Scan()
		stop()
		if err := <-ended; err != nil || !more {
			return err
		}
		if err := json.NewEncoder(os.Stdout).Encode(r.Done()); err != nil {
			return err
		}
	}
	return nil
}
