package faults

import (
	"os/exec"
	"runtime"
	"syscall"
)

// launch starts a program that dies with this one, and answers a channel that is closed when it has ended; how is in its ProcessState.
func launch(command *exec.Cmd) (<-chan struct{}, error) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C reaches this program, which stops the others
	endWithParent(command.SysProcAttr)
	ended, started := make(chan struct{}), make(chan error, 1)
	go func() {
		// The kernel kills the program when the thread that started it ends, so the thread is kept.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := command.Start()
		started <- err
		if err == nil {
			_ = command.Wait()
		}
		close(ended)
	}()
	return ended, <-started
}
