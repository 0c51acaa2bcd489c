package storetest

import (
	"os"
	"syscall"
)

// flush flushes what is needed to read the data back, as SQLite does.
func flush(file *os.File) error {
	return syscall.Fdatasync(int(file.Fd())) // #nosec G115 -- a descriptor fits an int
}
