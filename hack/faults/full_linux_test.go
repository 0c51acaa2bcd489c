package faults

import (
	"os"
	"syscall"
	"testing"
	"unsafe"
)

// While there is no room D1 gets 503, deliveries go on, and once there is room everything goes on by itself.
func TestTheDiskOfSQLiteIsFull(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newSQLite(t), 0)
	s := w.start()
	d1 := w.call(outageCallers)
	w.await("work goes on", w.ledger.after(500), s)
	for range 2 {
		w.wantOnlyRefusals(d1, "full disk", func() { limitFiles(t, s.pid, fileSize(t, w.storage.file)) }, s)
		unlimitFiles(t, s.pid)
		w.wantRecovery("full disk", s)
	}
	w.wantAllDelivered(d1, s)
}

// limitFiles has the kernel refuse the process every write beyond the size, as a full disk does. It needs no privileges.
func limitFiles(t testing.TB, pid int, size int64) {
	t.Helper()
	limit := fileLimit(t, pid, nil)
	limit.Cur = uint64(size)
	fileLimit(t, pid, &limit)
}

func unlimitFiles(t testing.TB, pid int) {
	t.Helper()
	limit := fileLimit(t, pid, nil)
	limit.Cur = limit.Max
	fileLimit(t, pid, &limit)
}

// fileLimit is prlimit(2) for RLIMIT_FSIZE: it answers the limit, and sets it unless set is nil.
func fileLimit(t testing.TB, pid int, set *syscall.Rlimit) (was syscall.Rlimit) {
	t.Helper()
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), syscall.RLIMIT_FSIZE,
		uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(&was)), 0, 0)
	if errno != 0 {
		t.Fatalf("prlimit: %v", errno)
	}
	return was
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
