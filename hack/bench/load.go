package main

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// connections is how many are open at once, each with one request under way.
	connections = 64
	// warmUp comes before each round's window: connections are made, and what a pause has cooled gets warm.
	warmUp = 250 * time.Millisecond
	// answerTimeout bounds the wait for one answer.
	answerTimeout = 20 * time.Second
)

// load sends requests over HTTP/1.1 with keep-alive, as cheaply as it can: it shares the machine's CPUs with what it measures.
type load struct {
	address     string
	connections int
	// requests answers, for the connection with that number, what makes its next request. The bytes may change with the call after.
	requests func(connection int) func() []byte
	// status is the right one; any other ends the load with an error.
	status int
	window time.Duration
	// cpu is the CPU time that the server has used so far.
	cpu func() (time.Duration, error)
}

// run sends for the length of a window and answers what was done in it.
func (l load) run(ctx context.Context) (_ sample, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	var enough atomic.Bool
	var senders sync.WaitGroup
	defer func() {
		// The requests under way are answered before their connections close: the server meets no error.
		enough.Store(true)
		senders.Wait()
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		cancel(nil)
	}()
	all := make([]*sender, l.connections)
	for i := range all {
		all[i] = &sender{load: l, next: l.requests(i)}
		senders.Go(func() {
			if err := all[i].send(ctx, &enough); err != nil {
				cancel(err)
			}
		})
	}
	if !pause(ctx, warmUp) {
		return sample{}, nil
	}
	before, err := l.look(all)
	if err != nil || !pause(ctx, l.window) {
		return sample{}, err
	}
	after, err := l.look(all)
	return sample{after.done - before.done, after.at.Sub(before.at), after.cpu - before.cpu}, err
}

// look is what has been done up to now.
func (l load) look(all []*sender) (now moment, err error) {
	if now.cpu, err = l.cpu(); err != nil {
		return now, fmt.Errorf("asking for the CPU time: %w", err)
	}
	now.at = time.Now()
	for _, s := range all {
		now.done += int(s.done.Load())
	}
	return now, nil
}

type moment struct {
	at   time.Time
	done int
	cpu  time.Duration
}

// pause waits, and says whether it waited in full.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// sender is one connection.
type sender struct {
	load load
	next func() []byte
	done atomic.Int64
}

// send goes on until it is enough. Each request waits for the answer to the one before.
func (s *sender) send(ctx context.Context, enough *atomic.Bool) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", s.load.address)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // nothing is left to be sent
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	in := answerReader{from: conn}
	for !enough.Load() {
		if s.done.Load()%256 == 0 { // a timer for each request would cost more than it brings
			if err := conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
				return err
			}
		}
		if _, err := conn.Write(s.next()); err != nil {
			return fmt.Errorf("sending a request: %w", err)
		}
		status, err := in.read()
		if err != nil {
			return fmt.Errorf("reading an answer: %w", err)
		}
		if status != s.load.status {
			return fmt.Errorf("a request was answered %d instead of %d", status, s.load.status)
		}
		s.done.Add(1)
	}
	return nil
}
