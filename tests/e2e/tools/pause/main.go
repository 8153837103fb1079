// Holds the namespaces of a pod open until it is told to end, and reaps what is left in them. With
// CRASH in its environment it ends at once and says so, as a broken program does.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if why := os.Getenv("CRASH"); why != "" {
		fmt.Fprintln(os.Stderr, why)
		os.Exit(1)
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		for {
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
				break
			}
		}
	}
}
