package faults

import "syscall"

// endWithParent has the kernel kill the process when the program that started it dies, however that happens.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
