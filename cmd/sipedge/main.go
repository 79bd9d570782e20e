// Command sipedge is a SIP edge router whose routing policy is data.
// Its one law: this floor alone knows the process: arguments, environment, signals, exit codes.
package main

func main() {}
