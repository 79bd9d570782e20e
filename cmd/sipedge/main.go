// Command sipedge is a SIP edge router whose routing policy is data.
// Its one law: this floor alone knows the process: arguments, environment, signals, exit codes.
package main

import (
	"os"

	"sipedge/cmd/sipedge/internal/cli"
)

func main() {
	os.Exit(cli.Main(cli.System{
		Args:  os.Args[1:],
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Env:     os.LookupEnv,
		Drivers: transports, Backends: services,
	}))
}
