package main

import "syscall"

// tmpfsMagic and ramfsMagic are f_type of statfs(2).
const (
	tmpfsMagic = 0x01021994
	ramfsMagic = 0x858458f6
)

// inMemory says whether a directory is on no disk.
func inMemory(dir string) bool {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return false
	}
	kind := uint32(s.Type) //nolint:gosec // the magic numbers have 32 bits
	return kind == tmpfsMagic || kind == ramfsMagic
}
