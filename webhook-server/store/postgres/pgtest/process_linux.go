package pgtest

import "syscall"

// endWithParent has the kernel end the process when the program that started it dies, however that happens.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.Signal(immediate) }
