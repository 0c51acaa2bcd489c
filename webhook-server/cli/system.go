package cli

import (
	"os"
	"time"
)

// System is the environment of this process.
func System() Environment {
	return Environment{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Now: time.Now, Patience: 2 * time.Second,
		Interactive: isTerminal(os.Stdin) && isTerminal(os.Stderr),
	}
}

// isTerminal takes any character device for one. /dev/null then reads as an answer of nothing, which confirms nothing.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
