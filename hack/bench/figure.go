package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// figures lists what is measured, in the order of the report.
func figures() []figure {
	return []figure{tokenFigure(), guessFigure(), notifyFigure(), notifyPostgresFigure(), storeFigure(), storePostgresFigure(), isolationFigure(), isolationPostgresFigure(), manyClientsFigure(), oneMoreFigure(), steadyStateFigure()}
}

// figure is one promise.
type figure struct {
	name      string
	about     string // what is compared with what, in a sentence
	goal      float64
	direction direction
	// onlyByName figures are measured when they are asked for by -only.
	onlyByName bool
	measure    func(ctx context.Context, s *session) (measurement, error)
}

// direction says on which side of its goal a figure should be.
type direction string

const (
	atLeast direction = "≥"
	atMost  direction = "≤"
)

// measurement is what came of measuring a figure.
type measurement struct {
	value  float64
	words  []string // for people
	detail any      // for the JSON file
}

func names(all []figure) []string {
	var n []string
	for _, f := range all {
		n = append(n, f.name)
	}
	return n
}

// session is the surroundings in which one figure is measured.
type session struct {
	dir     string // scratch, empty at first
	disk    string // a directory on the same disk that other users can reach
	rounds  int
	window  time.Duration
	profile string
	fleet   fleet
	waiting int
	// shared is the same for all figures of a run.
	shared *shared

	cleanups []func() error
}

// cleanup has f called when the figure has been measured, in reverse order.
func (s *session) cleanup(f func() error) { s.cleanups = append(s.cleanups, f) }

func (s *session) end() (err error) {
	for i := len(s.cleanups) - 1; i >= 0; i-- {
		err = errors.Join(err, s.cleanups[i]())
	}
	return err
}

// profilePath is the file for the CPU profile of a side, or "" when none is wanted.
func (s *session) profilePath(side string) string {
	if s.profile == "" {
		return ""
	}
	return filepath.Join(s.profile, side+".prof")
}

// measureAll measures one figure after the other, prints what came of each, and at the end a line for each. The error is what could
// not be measured.
func measureAll(ctx context.Context, o options, out io.Writer) (err error) {
	scratch, err := os.MkdirTemp(o.dir, "d1gateway-bench-")
	if err != nil {
		return fmt.Errorf("making a scratch directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	if o.profile != "" {
		if err := os.MkdirAll(o.profile, 0o700); err != nil {
			return fmt.Errorf("making the directory for profiles: %w", err)
		}
	}
	p := printer{out}
	p.say("%s", conditions(scratch))
	var all []entry
	var failed error
	together := new(shared)
	for _, f := range o.figures {
		p.say("\n%s: %s", f.name, f.about)
		m, err := measureOne(ctx, f, o, together, filepath.Join(scratch, f.name))
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s could not be measured: %w", f.name, err))
			p.say("  could not be measured")
			continue
		}
		for _, line := range m.words {
			p.say("  %s", line)
		}
		all = append(all, newEntry(f, m))
	}
	if err := writeJSON(o.out, all); err != nil {
		return errors.Join(failed, err)
	}
	p.say("")
	for _, e := range all {
		p.say("%s", e.line())
	}
	return failed
}

func measureOne(ctx context.Context, f figure, o options, together *shared, dir string) (_ measurement, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return measurement{}, err
	}
	s := &session{dir: dir, disk: o.dir, rounds: o.rounds, window: o.window, profile: o.profile, fleet: o.fleet, waiting: o.waiting, shared: together}
	defer func() { err = errors.Join(err, s.end()) }()
	return f.measure(ctx, s)
}

type printer struct{ out io.Writer }

func (p printer) say(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format+"\n", args...) }
