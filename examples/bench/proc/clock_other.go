//go:build !linux

package proc

import "time"

func clock(int) time.Duration { return 0 }
