package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"syscall"
	"time"
)

// serveCommand makes this program one of the servers that it measures. It is for the program itself: a server in a process of its own
// has its CPU time counted apart from that of the load.
const serveCommand = "serve"

// server is something to send load to.
type server struct {
	address string
	stop    func() error
}

// starter starts a server whose files are in dir.
type starter func(ctx context.Context, dir string) (server, error)

func starters() map[string]starter {
	return map[string]starter{
		tokenOurs: startTokenEndpoint, tokenFloor: startTokenFloor,
		notifySQLite: startNotifySQLite, notifyPostgres: startNotifyPostgres, notifyNull: startNotifyNull,
	}
}

// serve starts the named server and prints its address. Each line that it reads then is a question for the CPU time used so far, which
// it answers in nanoseconds. It stops when there is nothing more to read: also when its parent is gone, however that ended.
func serve(ctx context.Context, args []string, in io.Reader, out io.Writer) (err error) {
	flags := flag.NewFlagSet(serveCommand, flag.ContinueOnError)
	name := flags.String("server", "", "which")
	dir := flags.String("dir", "", "its files")
	profile := flags.String("profile", "", "file for a CPU profile")
	if err := flags.Parse(args); err != nil {
		return err
	}
	start, ok := starters()[*name]
	if !ok {
		return fmt.Errorf("there is no server %q", *name)
	}
	endProfile, err := startProfile(*profile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, endProfile()) }()
	s, err := start(ctx, *dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	return answerQuestions(s.address, in, out)
}

func answerQuestions(address string, in io.Reader, out io.Writer) error {
	if _, err := fmt.Fprintln(out, address); err != nil {
		return err
	}
	questions := bufio.NewScanner(in)
	for questions.Scan() {
		used, err := ownCPU()
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, used.Nanoseconds()); err != nil {
			return err
		}
	}
	return questions.Err()
}

// ownCPU is the CPU time that this process has used, of all its threads and in the kernel too.
func ownCPU() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("reading the CPU time: %w", err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}

// startProfile begins a CPU profile, unless the path is empty, and answers what ends it.
func startProfile(path string) (end func() error, err error) {
	if path == "" {
		return func() error { return nil }, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("making a profile: %w", err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(fmt.Errorf("making a profile: %w", err), file.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return file.Close()
	}, nil
}
