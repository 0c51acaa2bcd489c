package main

import (
	"fmt"
	"runtime"
)

// conditions says in a line what the figures were measured on.
func conditions(dir string) string {
	line := fmt.Sprintf("%s, %s/%s, %d CPUs; what is measured shares them with the load", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	if inMemory(dir) {
		line += "\nnote: the scratch directory is in memory, where a flush costs nothing: name one on a disk with -dir"
	}
	return line
}
